#!/usr/bin/env bash
# Decodes the manifests with the types of another version of Kubernetes than that of tools/go.mod.
# usage: k8s-oldest.sh <version of k8s.io/api>
set -euo pipefail

version=$1
cd "$(dirname "$0")"
export GOWORK=off
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The same module, with the types replaced: a file beside go.mod, as -modfile wants it.
cp go.mod "$scratch/oldest.mod"
cp go.sum "$scratch/oldest.sum"
go mod edit -replace "k8s.io/api=k8s.io/api@$version" "$scratch/oldest.mod"
sed -i "s|=> \.\./|=> $(dirname "$PWD")/|" "$scratch/oldest.mod"
go test -count=1 -modfile "$scratch/oldest.mod" -mod mod -run 'TestEvery(Overlay|Component)KeepsTheRules|TestAMistypedFieldIsNoticed' ./manifests
