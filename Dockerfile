# One image per service: docker build --build-arg SERVICE=router -t slacktalk/router .
# SERVICE is ingest-karte, router or slack-gateway.

FROM golang:1.26 AS build
ARG SERVICE
WORKDIR /src

# What the service depends on changes seldom, so it is a layer of its own.
COPY proto/go.mod proto/go.sum proto/
COPY internal/go.mod internal/go.sum internal/
COPY services/${SERVICE}/go.mod services/${SERVICE}/go.sum services/${SERVICE}/
ENV CGO_ENABLED=0 GOWORK=off
RUN go -C services/${SERVICE} mod download

COPY proto proto
COPY internal internal
COPY services/${SERVICE} services/${SERVICE}
# The service itself.
RUN set -eu; \
    cd services/${SERVICE}; \
    mkdir -p /out/bin; \
    go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/service .; \
    if [ -d cmd ]; then go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/bin/ ./cmd/...; fi

# Nothing but the program and the authorities it trusts: no shell, no package manager, no other user.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/ /
USER 65532:65532
ENV PATH=/bin
ENTRYPOINT ["/service"]
