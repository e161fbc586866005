#!/usr/bin/env bash
# bench/inbox.lua for each Lua given; fails when one misses a bar.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
directory=$(mktemp -d "${TMPDIR:-/tmp}/bench-inbox.XXXXXX") || exit # on a disk, where a commit is one
trap 'rm -rf "$directory"' EXIT

# The receiver has a processor of its own where there are two.
server='' rest=()
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  server='taskset -c 0' rest=(taskset -c 1)
fi

failed=0
for lua in "$@"; do
  "${rest[@]}" tools/with-lua "$lua" bench/inbox.lua "$server" "$lua" "$directory" || failed=1
done
[ $failed -eq 0 ] || echo "a bar was missed" >&2
exit $failed
