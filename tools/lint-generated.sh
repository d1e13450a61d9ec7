#!/usr/bin/env bash
# Fails when the committed generated code is not what the contracts generate now.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

buf generate --path proto/slacktalk -o "$scratch"
diff -ru -x '*.proto' "$scratch/proto/slacktalk" proto/slacktalk || {
  echo "the generated code is not what the contracts generate; run: make generate" >&2
  exit 1
}
