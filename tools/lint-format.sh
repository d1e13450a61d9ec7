#!/usr/bin/env bash
# Fails when gofmt would change a file of the given folders.
set -euo pipefail

echo "lint: gofmt"
unformatted=$(find "$@" -name node_modules -prune -o -name '*.go' -print0 | xargs -0 -r gofmt -l)
[ -z "$unformatted" ] && exit 0
echo "these files are not formatted; run: gofmt -w <file>" >&2
echo "$unformatted" >&2
exit 1
