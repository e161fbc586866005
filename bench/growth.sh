#!/usr/bin/env bash
# bench/growth.lua for each Lua given; fails when one misses a bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
out=build/bench
mkdir -p "$out"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/http_server" bench/http_server.c || exit
directory=$(mktemp -d "${TMPDIR:-/tmp}/bench-growth.XXXXXX") || exit
trap 'rm -rf "$directory"' EXIT

failed=0
for lua in "$@"; do
  rm -f "$directory"/*
  tools/with-lua "$lua" bench/growth.lua "$out/http_server" "$directory" || failed=1
done
[ $failed -eq 0 ] || echo "a bar was missed" >&2
exit $failed
