#!/usr/bin/env bash
# bench/server.lua for LuaJIT and Lua 5.4, which are built.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
out=build/bench
mkdir -p "$out"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/server_bare" bench/server_bare.c \
  -lmicrohttpd || exit
scripts=$(mktemp -d "${TMPDIR:-/tmp}/bench-server.XXXXXX") || exit
trap 'rm -r "$scripts"' EXIT

octokit=
if [ -d "$out/octokit/node_modules/@octokit/webhooks" ] && command -v node > /dev/null; then
  cp bench/nginx_octokit.mjs "$out/octokit/"
  octokit=$out/octokit/nginx_octokit.mjs
fi

# What is measured has a processor of its own where there are two; the rest has the other.
server='' client=()
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  server='taskset -c 0' client=(taskset -c 1)
fi

if ! "${client[@]}" tools/with-lua 5.4 bench/server.lua "$server" "$out/server_bare" "$octokit" "$scripts"; then
  echo "a bar was missed" >&2
  exit 1
fi
