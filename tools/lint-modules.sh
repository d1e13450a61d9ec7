#!/usr/bin/env bash
# Fails when a module is not tidy or does not build without the workspace, as it has to for those who import it.
set -uo pipefail

export GOWORK=off
failed=()
for module in "$@"; do
  echo "lint: module $module"
  (cd "$module" && go mod tidy -diff && go build -buildvcs=false ./...) || failed+=("$module")
done
[ ${#failed[@]} -eq 0 ] && exit 0
echo "not tidy, or not building on its own: ${failed[*]}; run 'GOWORK=off go mod tidy' in its folder" >&2
exit 1
