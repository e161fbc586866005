#!/usr/bin/env bash
# bench/memory.lua for each Lua given; fails when one misses a bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
ulimit -n 20000 || exit # for thousands of connections
out=build/bench
mkdir -p "$out"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/http_server" bench/http_server.c || exit
script=$(mktemp "${TMPDIR:-/tmp}/bench-memory.XXXXXX") || exit
trap 'rm -f "$script"' EXIT

failed=0
for lua in "$@"; do
  tools/with-lua "$lua" bench/memory.lua "$out/http_server" "$script" || failed=1
done
[ $failed -eq 0 ] || echo "a bar was missed" >&2
exit $failed
