# The tools the build uses, each pinned. They are installed into .bin/ from their own modules, outside the workspace,
# so that what they depend on never mixes with what the services depend on.
BUF_VERSION                := v1.75.0
PROTOC_GEN_GO_VERSION      := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
GOLANGCI_LINT_VERSION      := v2.15.0
GRPCURL_VERSION            := v1.9.4
KUSTOMIZE_VERSION          := v5.8.2
KUBE_SCORE_VERSION         := v1.20.0
PROTOVALIDATE_VERSION      := v1.2.2
# What the images are built with: the same commit built with the same Go has the same digest.
GO_VERSION                 := go1.26.8
# The types of the oldest Kubernetes that the manifests are for (1.34); the newest one is in tools/go.mod.
K8S_OLDEST                 := v0.34.4
