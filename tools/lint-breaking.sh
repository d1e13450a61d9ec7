#!/usr/bin/env bash
# Fails when a client built with the last released contract could not be served any more: when the contracts of today break those of
# the newest image in proto/baseline. Then it breaks a copy on purpose, and fails if that is not noticed.
set -euo pipefail

root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

baseline=$(find proto/baseline -name 'v*.binpb' | sort -V | tail -n 1)
[ -n "$baseline" ] || { echo "proto/baseline holds no released contract" >&2; exit 1; }

# check <folder>: are the contracts of that folder fine for clients of the baseline? An image is compared with an image, because the
# workspace's second module, the schema of the validation rules, is not in the baseline on its own.
check() {
  (cd "$1" && buf build --exclude-source-info --path proto/slacktalk -o "$scratch/image.binpb" &&
    buf breaking "$scratch/image.binpb" --against "$root/$baseline" --config "$root/buf.yaml")
}

check "$root" || {
  echo "the contracts break those of $baseline; clients of that release would fail. Add instead: new fields, new methods, a new version" >&2
  exit 1
}

seeded=$scratch/seeded
mkdir -p "$seeded/.bin"
cp -r proto buf.yaml "$seeded"
cp -r .bin/proto "$seeded/.bin"
broken=proto/slacktalk/settings/v1/settings.proto
sed -i '0,/^  string name = 1/s//  string name = 1000/' "$seeded/$broken"
if cmp -s "$seeded/$broken" "$broken"; then
  echo "tools/lint-breaking.sh: nothing was broken in the copy of $broken; choose another field" >&2
  exit 1
fi
if check "$seeded" >"$scratch/noticed" 2>&1; then
  echo "a field's number was changed, and buf breaking did not notice" >&2
  exit 1
fi
grep -q 'name.*deleted' "$scratch/noticed" || {
  echo "buf breaking failed for another reason than the field that was broken on purpose:" >&2
  cat "$scratch/noticed" >&2
  exit 1
}
