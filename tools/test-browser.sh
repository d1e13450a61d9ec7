#!/usr/bin/env bash
# Tries the playground in a real Chromium, and takes the pictures of the documentation when SCREENSHOTS names a folder.
# Arguments go to `go test`.
#
# Where there is no Chromium, or no npm for axe-core, nothing is tried and the last line says so; on a build machine (CI=true) that is a failure.
set -euo pipefail

cd "$(dirname "$0")/.."

# missing says what is missing, and ends.
missing() {
  if [ "${CI:-}" = true ]; then
    echo "test-browser: FAILED: no $1" >&2
    exit 1
  fi
  echo "test-browser: SKIPPED: no $1 here (Debian: apt-get install $2)"
  exit 0
}

browser=${BROWSER:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$browser" ] || missing Chromium chromium
command -v npm >/dev/null || missing npm npm

# The judge of accessibility. It is installed once, at the version and with the checksum of the lock file.
judge=dev/playground/browser
[ -e $judge/node_modules/axe-core/axe.min.js ] || npm ci --prefix $judge --ignore-scripts --no-audit --no-fund

# Without the race detector, which would be measured too.
cd dev
BROWSER=$browser exec go test -count=1 -v -timeout 15m "$@" ./playground/browser
