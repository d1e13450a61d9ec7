# One image per program: docker build --build-arg PROGRAM=router -t slacktalk/router:0.1.0 .
# PROGRAM is ingest-karte, router, slack-gateway or talkctl. `make images` builds the same without a container engine, and
# reproducibly; this file is for those who want one.

FROM golang:1.26.8 AS build
ARG PROGRAM
WORKDIR /src
ENV CGO_ENABLED=0 GOWORK=off

# What the programs depend on changes seldom, so it is a layer of its own.
COPY proto/go.mod proto/go.sum proto/
COPY internal/go.mod internal/go.sum internal/
COPY services/ingest-karte/go.mod services/ingest-karte/go.sum services/ingest-karte/
COPY services/router/go.mod services/router/go.sum services/router/
COPY services/slack-gateway/go.mod services/slack-gateway/go.sum services/slack-gateway/
RUN set -eu; \
    case "$PROGRAM" in talkctl) module=services/router ;; *) module=services/$PROGRAM ;; esac; \
    go -C "$module" mod download

COPY proto proto
COPY internal internal
COPY services services
# The program itself, with the time zones, because the image has none.
RUN set -eu; \
    case "$PROGRAM" in talkctl) module=services/router package=./cmd/talkctl ;; *) module=services/$PROGRAM package=. ;; esac; \
    mkdir /out; \
    go -C "$module" build -trimpath -buildvcs=false -tags=timetzdata -ldflags="-s -w -buildid=" -o /out/program "$package"

# Nothing but the program and the authorities it trusts: no shell, no package manager, no other user.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/program /program
USER 65532:65532
ENTRYPOINT ["/program"]
