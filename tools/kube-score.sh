#!/usr/bin/env bash
# Has kube-score judge the overlays, its warnings included. What it is told to leave out stands here, with the reason, and nowhere else.
# usage: kube-score.sh <overlay>...
set -euo pipefail

cd "$(dirname "$0")/.."
score() {
  local overlay=$1
  shift
  if command -v kubectl >/dev/null; then kubectl kustomize "deploy/k8s/overlays/$overlay"; else kustomize build "deploy/k8s/overlays/$overlay"; fi |
    kube-score score --exit-one-on-warning --output-format ci "$@" - | { grep -vE '^\[(OK|SKIPPED)\]' || true; }
}
# In every overlay:
leave=(
  # Tags are of one version and are never moved, and a node that cannot reach the registry goes on starting what it has.
  --ignore-test container-image-pull-policy
  # topologySpreadConstraints do that, over nodes and zones, and count only the pods of the present revision.
  --ignore-test deployment-has-host-podantiaffinity
  # settings-client is for the pods of whoever calls the API, such as doctor/, which is applied apart.
  --ignore-test networkpolicy-targets-pod
  # NATS (1000) and Redis (999) run as the users of their official images, to whom the volumes belong; tools/manifests wants of all others a high id.
  --ignore-test container-security-context-user-group-id
)
# Where there is one of everything, on purpose.
single=(--ignore-test deployment-replicas --ignore-test statefulset-has-host-podantiaffinity)
for overlay in "$@"; do
  case $overlay in
  dev | trial) score "$overlay" "${leave[@]}" "${single[@]}" ;;
  *) score "$overlay" "${leave[@]}" ;;
  esac
done
