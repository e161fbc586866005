#!/usr/bin/env bash
# The benches that are named, or all of them, and the report of their rows: bench/run.sh [event …]
# RUNS=3 runs all of them three times. A bench is bench/<name>.sh.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
all=(event signature dispatch server nginx inbox http memory start growth)
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
  if [ ! -x "bench/$name.sh" ]; then
    echo "There is no bench \"$name\": there are ${all[*]}." >&2
    exit 2
  fi
done

mkdir -p build/bench
rows=build/bench/rows
: > "$rows"
export BENCH_ROWS=$rows
failed=0
for ((run = 1; run <= ${RUNS:-1}; run++)); do
  for name in "$@"; do
    echo "==== $name, run $run"
    began=$SECONDS rows_before=$(wc -l < "$rows")
    "bench/$name.sh" 
    if [ "$(wc -l < "$rows")" -eq "$rows_before" ]; then failed=1; fi
    echo "(took $((SECONDS - began)) s)"
  done
done
[ "$failed" -eq 0 ] || echo "A bench gave no row." >&2
# A part of the suite is no report.
if [ $# -eq ${#all[@]} ]; then tools/with-lua 5.4 bench/report.lua "$rows" || failed=1; fi
exit "$failed"
