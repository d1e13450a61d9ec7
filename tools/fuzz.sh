#!/usr/bin/env bash
# Runs every fuzz target of the given modules, one on each core at a time, and says in the end which ones found something, and what.
# usage: fuzz.sh <time for each> <module>...
set -uo pipefail

time=$1
shift
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export time logs

# out_of_time <log> <target>: the target ran its time and found nothing, and Go said that it failed: up to 1.26 its coordinator now and then takes the end of the time for
# an error of a worker (https://go.dev/issue/75804). What a target finds is written to a file and says more than that one line.
out_of_time() {
  ! grep -q 'Failing input written to' "$1" && grep -A2 -e "^--- FAIL: $2 " "$1" | tr -d '\n' | grep -qE '\)    context deadline exceeded(FAIL|$)'
}

# one <file>:<target> runs one target and notes how it went.
one() {
  local file=${1%%:*} target=${1##*:} log
  log=$logs/${1//\//_}
  local dir=./${file%/*}
  # Without a limit of its own the search for the shortest interesting input takes the whole time.
  if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 50x -parallel 1 "$dir" >"$log" 2>&1 || out_of_time "$log" "$target"; then
    echo "fuzz: $target in $dir: $(grep -o 'execs: [0-9]*' "$log" | tail -1)"
    return
  fi
  echo "$target in $dir" >>"$logs/failed"
  {
    echo "fuzz: $target in $dir FAILED"
    cat "$log"
    # What it was given, so that a build machine that is gone afterwards has said it.
    sed -n 's|.*Failing input written to \(testdata/.*\)|\1|p' "$log" | while read -r input; do echo "--- $input"; cat "$dir/$input"; done
  } >&2
}
export -f one out_of_time

mapfile -t targets < <(grep -rEo --exclude-dir=node_modules --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' "$@" | sed 's/:func /:/' | sort)
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc 2>/dev/null || echo 2)" -I{} bash -c 'one {}'

failed=$(cat "$logs/failed" 2>/dev/null | wc -l)
echo "${#targets[@]} fuzz targets, $((failed)) failed"
[ "${#targets[@]}" -gt 0 ] && [ "$failed" -eq 0 ] || { cat "$logs/failed" >&2 2>/dev/null; exit 1; }
