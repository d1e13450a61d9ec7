#!/usr/bin/env bash
# Tries the playground in a real Chromium, draws the dashboards, and takes the pictures of the documentation when SCREENSHOTS names a folder.
# Arguments go to `go test`.
#
# Where there is no Chromium, no Prometheus, or no npm for axe-core and uPlot, nothing is tried and the last line says so; on a build machine (CI=true) that is a failure.
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

command -v prometheus >/dev/null || missing Prometheus prometheus

# The judge of accessibility and the charts of the dashboards. They are installed once, at the version and with the checksum of their lock files.
for folder in dev/playground/browser dev/dashboards; do
  [ -e $folder/node_modules ] || npm ci --prefix $folder --ignore-scripts --no-audit --no-fund
done

# Without the race detector, which would be measured too, and one after the other for the same reason.
cd dev
BROWSER=$browser exec go test -count=1 -v -p 1 -timeout 15m "$@" ./playground/browser ./dashboards/browser
