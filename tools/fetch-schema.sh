#!/usr/bin/env bash
# Takes buf/validate/validate.proto out of the protovalidate Go module, so that no schema registry has to be reached.
# usage: fetch-schema.sh <bin folder> <version>
set -euo pipefail

bin=$1 version=$2
schema=proto/protovalidate/buf/validate

echo "taking the validation schema from protovalidate $version"
mkdir -p "$bin/stamps" "$bin/proto/buf/validate"
rm -f "$bin/stamps/protovalidate@"*

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
printf 'module scratch\n' >go.mod
dir=$(GOWORK=off go mod download -json "github.com/bufbuild/protovalidate@$version" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
[ -f "$dir/$schema/validate.proto" ] || {
  echo "protovalidate $version has no $schema/validate.proto: see where it is now and correct tools/fetch-schema.sh" >&2
  exit 1
}
install -m 0644 "$dir/$schema/validate.proto" "$bin/proto/buf/validate/validate.proto"
touch "$bin/stamps/protovalidate@$version"
