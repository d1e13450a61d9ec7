#!/usr/bin/env bash
# Checks the alert rules in deploy/alerts and runs their tests (*_test.yaml) with promtool, of Debian's package prometheus.
# A build machine (CI=true) has to have it; elsewhere nothing is tried without it.
set -euo pipefail

cd "$(dirname "$0")/../deploy/alerts"
if ! command -v promtool >/dev/null; then
  echo "promtool is missing (Debian: apt-get install prometheus), so the alert rules were not tried" >&2
  [ "${CI:-}" != true ]
  exit
fi
mapfile -t rules < <(find . -name '*.yaml' ! -name '*_test.yaml' | sort)
mapfile -t tests < <(find . -name '*_test.yaml' | sort)
[ ${#rules[@]} -gt 0 ] && [ ${#tests[@]} -gt 0 ] || { echo "no alert rules, or no tests of them" >&2; exit 1; }
promtool check rules --lint-fatal "${rules[@]}"
promtool test rules "${tests[@]}"
# Every alert fires in a test: one that never does says nothing.
untested=0
for alert in $(sed -n 's/^ *- alert: *//p' "${rules[@]}"); do
  grep -qE "alertname: *$alert\b" "${tests[@]}" || { echo "$alert has no test" >&2; untested=1; }
done
exit $untested
