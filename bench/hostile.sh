#!/usr/bin/env bash
# bench/hostile.lua for a Lua.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
ulimit -n 20000 || exit # for ten thousand connections
script=$(mktemp "${TMPDIR:-/tmp}/bench-hostile.XXXXXX") || exit
trap 'rm -f "$script"' EXIT

# The receiver has a processor of its own where there are two.
receiver='' attackers=''
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  receiver='taskset -c 0' attackers='taskset -c 1'
fi

tools/with-lua "$1" bench/hostile.lua "$receiver" "$attackers" "$script"
