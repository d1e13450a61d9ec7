#!/usr/bin/env bash
# Installs one Go tool at one version and leaves a stamp named after both.
# usage: install.sh <bin folder> <tool> <version> <package>
set -euo pipefail

bin=$1 tool=$2 version=$3 package=$4

echo "installing $tool $version"
mkdir -p "$bin/stamps"
rm -f "$bin/stamps/$tool@"*
# Outside the workspace and away from any go.mod; without cgo, so that no C compiler is needed.
(cd "$bin" && GOWORK=off GOBIN=$bin CGO_ENABLED=0 go install "$package@$version")
touch "$bin/stamps/$tool@$version"
