#!/usr/bin/env bash
# bench/http.lua for each Lua given; fails when one misses a bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
out=build/bench
mkdir -p "$out"
for program in http_server http_loop; do
  "${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/$program" "bench/$program.c" -lcurl || exit
done

# The servers have a processor of their own where there are two, so that rounds compare.
us=() pin=
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  us=(taskset -c 0) pin="taskset -c 1"
fi

failed=0
for lua in "$@"; do
  "${us[@]}" tools/with-lua "$lua" bench/http.lua "$pin" "$out/http_server" "$out/http_loop" || failed=1
done
[ $failed -eq 0 ] || echo "a bar was missed" >&2
exit $failed
