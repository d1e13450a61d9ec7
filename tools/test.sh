#!/usr/bin/env bash
# Runs every test of the workspace. Arguments go to `go test`.
#
# The tests that need Redis use a real redis-server where there is one. Where there is none it is installed if that is
# possible (Debian, as root or with sudo); otherwise they use the one in the test process, and the last line says so.
# On a build machine (CI=true) nothing is quietly left out: no Redis, or no race detector, is a failure.
set -euo pipefail

say() { echo "test: $*"; }

ci() { [ "${CI:-}" = true ]; }

# as_root runs a command as root, and fails where that would need a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

install_redis() {
  command -v apt-get >/dev/null || return 1
  say "no redis-server: installing it"
  as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
}

redis=yes
if ! command -v redis-server >/dev/null && ! { install_redis && command -v redis-server >/dev/null; }; then
  redis=no
fi
if [ $redis = no ] && ci; then
  say "FAILED: no redis-server, and it could not be installed" >&2
  exit 1
fi

# The race detector is C code.
race=(-race)
if ! command -v "$(go env CC)" >/dev/null; then
  race=()
  if ci; then
    say "FAILED: no C compiler, which the race detector needs" >&2
    exit 1
  fi
fi

# The result of an unchanged test is remembered; a build machine asks again.
fresh=()
if ci; then fresh=(-count=1); fi

# What needs a browser has a command of its own: make test-browser.
mapfile -t packages < <(go list work | grep -vE '/dev/(playground|dashboards)/browser$')
[ ${#packages[@]} -gt 0 ] || { say "FAILED: no packages" >&2; exit 1; }

status=0
go test "${race[@]}" "${fresh[@]}" "$@" "${packages[@]}" || status=$?

[ ${#race[@]} -gt 0 ] || say "note: no C compiler here, so the race detector was off"
[ $redis = yes ] || say "note: no redis-server here, so only the in-process Redis was used"
exit $status
