#!/usr/bin/env bash
# Runs every fuzz target of the given modules, one after the other, and says in the end which ones found something.
# usage: fuzz.sh <time for each> <module>...
set -uo pipefail

time=$1
shift

failed=() count=0
while IFS=: read -r file target; do
  count=$((count + 1))
  echo "fuzz: $target in $(dirname "$file")"
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$(dirname "$file")" || failed+=("$target ($file)")
done < <(grep -rEo --exclude-dir=node_modules --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' "$@" | sed 's/:func /:/' | sort)

echo "$count fuzz targets, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}" >&2; exit 1; }
