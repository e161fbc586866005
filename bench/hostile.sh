#!/usr/bin/env bash
# Runs bench/hostile.lua with a Lua.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
ulimit -n 20000 || exit # for ten thousand connections
script=$(mktemp "${TMPDIR:-/tmp}/bench-hostile.XXXXXX") || exit
trap 'rm -f "$script"' EXIT

# With two processors, the receiver has its own.
receiver='' attackers=''
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  receiver='taskset -c 0' attackers='taskset -c 1'
fi

tools/with-lua "$1" bench/hostile.lua "$receiver" "$attackers" "$script"
