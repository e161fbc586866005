#!/usr/bin/env bash
# bench/event.lua for each Lua given; fails when one misses its bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
failed=0
for lua in "$@"; do
  tools/with-lua "$lua" bench/event.lua || failed=1
done
[ $failed -eq 0 ] || echo "event.parse took more than half of cjson.decode and the checks" >&2
exit $failed
