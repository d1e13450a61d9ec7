# Everything a person or a build machine does here. `make` alone lists it.
#
# Only Go is needed. The tools that generate and check are installed into .bin/ the first time they are used, each at the
# version pinned in tools/versions.mk, and again only when that version changes.

include tools/versions.mk

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

ROOT   := $(CURDIR)
BIN    := $(ROOT)/.bin
STAMPS := $(BIN)/stamps
export PATH := $(BIN):$(PATH)

# The workspace's modules, as folders relative to the root.
MODULES := $(shell sed -n 's|^[[:space:]]*\./||p' go.work)

# How long one package's tests may take.
TEST_TIMEOUT ?= 30m
# How long each fuzz target runs.
FUZZTIME ?= 1m
# Arguments of `make demo`, for example ARGS=-once.
ARGS ?=

##@ Working

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## "; print "Usage: make <target>" } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## Run everything on this machine and print its addresses (ARGS=-once: run the story once and stop)
	@mkdir -p $(BIN)
	@go build -buildvcs=false -o $(BIN)/demo ./dev/cmd/demo
	@exec $(BIN)/demo $(ARGS)

.PHONY: talkctl
talkctl: ## Build the command-line client into .bin/
	@mkdir -p $(BIN)
	@cd services/router && go build -o $(BIN)/talkctl ./cmd/talkctl
	@echo "$(BIN)/talkctl"

.PHONY: test
test: grpcurl ## Run every test of every module, with the race detector
	@tools/test.sh -timeout $(TEST_TIMEOUT)

.PHONY: test-browser
test-browser: grpcurl ## Try the playground and draw the dashboards in a real Chromium, where there is one
	@tools/test-browser.sh

.PHONY: screenshots
screenshots: ## Take the pictures in docs/images anew, from the playground and the dashboards in Chromium
	@mkdir -p docs/images
	@SCREENSHOTS=$(ROOT)/docs/images tools/test-browser.sh -run TestPictures

# Arguments of `make chaos` besides SEED=…, for example CHAOS="-customers 50 -messages 2000 -minutes 2".
CHAOS ?=

.PHONY: chaos
chaos: ## Break everything by a seeded schedule and print what was lost (SEED=… reproduces a run; CHAOS=-help: its arguments)
	@mkdir -p $(BIN)
	@cd dev && go build -buildvcs=false -o $(BIN)/chaos ./cmd/chaos && SEED="$(SEED)" exec $(BIN)/chaos $(CHAOS)

# Arguments of `make rolling`, for example ROLLING="-rate 50 -seconds 60".
ROLLING ?=

.PHONY: rolling
rolling: ## Replace every replica and every NATS server in turn under load, and print what was lost, late or refused
	@mkdir -p $(BIN)
	@cd dev && go build -buildvcs=false -o $(BIN)/rolling ./cmd/rolling && exec $(BIN)/rolling $(ROLLING)

# Which rows `make bench` measures, for example RUN=ingest,events; all of them when empty. Arguments besides, for example BENCH="-repeats 3".
RUN ?=
BENCH ?=

.PHONY: bench
bench: ## Measure the services beside bare references and write docs/benchmarks.md (RUN=ingest,latency: some rows; BENCH=-help: its arguments)
	@mkdir -p $(BIN)
	@cd dev && go build -buildvcs=false -o $(BIN)/bench ./cmd/bench && exec $(BIN)/bench -docs $(ROOT)/docs -run "$(RUN)" $(BENCH)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (1m) each
	@tools/fuzz.sh $(FUZZTIME) $(MODULES)

.PHONY: generate
generate: $(STAMPS)/buf@$(BUF_VERSION) generators ## Regenerate the code of the contracts
	@buf generate --path proto/slacktalk

.PHONY: baseline
baseline: $(STAMPS)/buf@$(BUF_VERSION) generators ## At a release: keep its contracts, which later ones are held against (VERSION=0.2.0)
	@test -n "$(VERSION)" || { echo "which version? make baseline VERSION=0.2.0" >&2; exit 1; }
	@buf build --exclude-source-info --path proto/slacktalk -o proto/baseline/v$(VERSION).binpb

# Which of deploy/k8s/overlays `make k8s` prints.
OVERLAY ?= production

.PHONY: k8s
k8s: kustomize ## Print the Kubernetes manifests of an overlay (OVERLAY=dev, production or external)
	@if command -v kubectl >/dev/null; then kubectl kustomize deploy/k8s/overlays/$(OVERLAY); else kustomize build deploy/k8s/overlays/$(OVERLAY); fi

# The names and the tag of the images that `make images` builds, what it builds, and PUSH=1 to push them as well.
IMAGES ?= slacktalk
IMAGE_TAG ?= 0.1.0
PROGRAMS ?= ingest-karte router slack-gateway talkctl
PUSH ?=

.PHONY: images
images: ## Build the container images into .bin/images, without a container engine (IMAGES=registry.example.com/slacktalk IMAGE_TAG=0.1.0 PUSH=1)
	@mkdir -p $(BIN)
	@cd tools && GOWORK=off GOTOOLCHAIN=$(GO_VERSION) go build -buildvcs=false -o $(BIN)/make-images ./images
	@GOTOOLCHAIN=$(GO_VERSION) $(BIN)/make-images -repository "$(IMAGES)" -tag "$(IMAGE_TAG)" $(if $(PUSH),-push) $(PROGRAMS)

##@ Checking

.PHONY: lint
lint: lint-format lint-vet lint-layout lint-code lint-proto lint-breaking lint-generated lint-modules lint-scripts lint-k8s ## Everything that can be checked without running it

.PHONY: lint-format
lint-format: ## Code is formatted
	@tools/lint-format.sh $(MODULES)

.PHONY: lint-vet
lint-vet: ## go vet has nothing to say
	@echo "lint: go vet"
	@go vet work

.PHONY: lint-layout
lint-layout: ## Packages import only what they may
	@echo "lint: layout"
	@go test -count=1 ./dev/layout

.PHONY: lint-code
lint-code: $(STAMPS)/golangci-lint@$(GOLANGCI_LINT_VERSION) ## golangci-lint over all modules
	@echo "lint: golangci-lint"
	@golangci-lint run $(addprefix ./,$(addsuffix /...,$(MODULES)))

.PHONY: lint-proto
lint-proto: $(STAMPS)/buf@$(BUF_VERSION) generators ## Contracts follow buf's standard
	@echo "lint: buf"
	@buf lint

.PHONY: lint-breaking
lint-breaking: $(STAMPS)/buf@$(BUF_VERSION) generators ## Contracts still serve clients of the last release
	@echo "lint: buf breaking"
	@tools/lint-breaking.sh

.PHONY: lint-generated
lint-generated: $(STAMPS)/buf@$(BUF_VERSION) generators ## The generated code is what the contracts generate
	@echo "lint: generated code"
	@tools/lint-generated.sh

.PHONY: lint-modules
lint-modules: ## Every module is tidy and builds without the workspace
	@tools/lint-modules.sh $(MODULES)

.PHONY: lint-scripts
lint-scripts: ## Shell scripts can be parsed
	@echo "lint: shell scripts"
	@for f in .ci/run tools/*.sh $$(find deploy -name '*.sh'); do bash -n "$$f"; done

# The module of tools/ is not in the workspace: the libraries of Kubernetes and of registries are nobody's concern but its own.
.PHONY: lint-k8s
lint-k8s: k8s-check ## The Kubernetes manifests are what they should be, and the code that checks them and makes images as well

.PHONY: k8s-check
k8s-check: $(STAMPS)/golangci-lint@$(GOLANGCI_LINT_VERSION) $(STAMPS)/kube-score@$(KUBE_SCORE_VERSION) kustomize ## Every overlay renders, is of Kubernetes' oldest and newest types, and keeps its promises
	@echo "lint: manifests"
	@unformatted=$$(gofmt -l tools); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted" >&2; exit 1; }
	@cd tools && export GOWORK=off && go mod tidy -diff && go vet ./... && golangci-lint run -c ../.golangci.yml ./...
	@cd tools && GOWORK=off go test -count=1 -timeout $(TEST_TIMEOUT) ./...
	@echo "lint: manifests, Kubernetes $(K8S_OLDEST)"
	@tools/k8s-oldest.sh $(K8S_OLDEST)
	@echo "lint: manifests, kube-score"
	@tools/kube-score.sh dev trial production external
	@echo "lint: alert rules"
	@tools/alerts.sh

##@ Tools

.PHONY: tools
tools: generators $(STAMPS)/buf@$(BUF_VERSION) $(STAMPS)/golangci-lint@$(GOLANGCI_LINT_VERSION) $(STAMPS)/grpcurl@$(GRPCURL_VERSION) kustomize ## Install every tool into .bin/

# What the tests of proto/README.md call.
.PHONY: grpcurl
grpcurl: $(STAMPS)/grpcurl@$(GRPCURL_VERSION)

.PHONY: clean
clean: ## Remove what was built and installed here
	rm -rf $(BIN)

# What `buf generate` and `buf lint` need beside buf.
.PHONY: generators
generators: $(STAMPS)/protoc-gen-go@$(PROTOC_GEN_GO_VERSION) \
	$(STAMPS)/protoc-gen-go-grpc@$(PROTOC_GEN_GO_GRPC_VERSION) \
	$(STAMPS)/protovalidate@$(PROTOVALIDATE_VERSION)

# kubectl renders as well; kustomize is only built where there is none.
.PHONY: kustomize
kustomize: $(if $(shell command -v kubectl),,$(STAMPS)/kustomize@$(KUSTOMIZE_VERSION))

# A stamp names a tool with its version: $(call install,<tool>,<version>,<package>).
define install
$(STAMPS)/$(1)@$(2):
	@tools/install.sh $(BIN) $(1) $(2) $(3)
endef

$(eval $(call install,buf,$(BUF_VERSION),github.com/bufbuild/buf/cmd/buf))
$(eval $(call install,protoc-gen-go,$(PROTOC_GEN_GO_VERSION),google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call install,protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC_VERSION),google.golang.org/grpc/cmd/protoc-gen-go-grpc))
$(eval $(call install,golangci-lint,$(GOLANGCI_LINT_VERSION),github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
$(eval $(call install,grpcurl,$(GRPCURL_VERSION),github.com/fullstorydev/grpcurl/cmd/grpcurl))
$(eval $(call install,kube-score,$(KUBE_SCORE_VERSION),github.com/zegl/kube-score/cmd/kube-score))
$(eval $(call install,kustomize,$(KUSTOMIZE_VERSION),sigs.k8s.io/kustomize/kustomize/v5))

$(STAMPS)/protovalidate@$(PROTOVALIDATE_VERSION):
	@tools/fetch-schema.sh $(BIN) $(PROTOVALIDATE_VERSION)
