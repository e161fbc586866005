#!/usr/bin/env bash
# Runs benchmarks (default: all), and writes the report: bench/run.sh [event …]
# RUNS=3 runs them three times. A benchmark is bench/<name>.sh.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
all=(event signature dispatch server nginx inbox disk calls http workers memory start growth)
[ $# -gt 0 ] || set -- "${all[@]}"
for name in "$@"; do
  if [ ! -x "bench/$name.sh" ]; then
    echo "There is no benchmark \"$name\"; choose from: ${all[*]}" >&2
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
    started=$SECONDS rows_before=$(wc -l < "$rows")
    "bench/$name.sh"
    if [ "$(wc -l < "$rows")" -eq "$rows_before" ]; then failed=1; fi
    echo "(took $((SECONDS - started)) s)"
  done
done
[ "$failed" -eq 0 ] || echo "A benchmark wrote no row." >&2
# The report needs all benchmarks.
if [ $# -eq ${#all[@]} ]; then tools/with-lua 5.4 bench/report.lua "$rows" || failed=1; fi
exit "$failed"
