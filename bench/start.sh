#!/usr/bin/env bash
# bench/start.lua for each Lua given; fails when one misses a bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
failed=0
for lua in "$@"; do
  tools/with-lua "$lua" bench/start.lua || failed=1
done
[ $failed -eq 0 ] || echo "a bar was missed" >&2
exit $failed
