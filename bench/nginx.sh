#!/usr/bin/env bash
# bench/nginx.lua in LuaJIT; also beside @octokit/webhooks where it is installed in build/bench/octokit.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
out=build/bench
mkdir -p "$out"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/http_server" bench/http_server.c || exit

octokit=
if [ -d "$out/octokit/node_modules/@octokit/webhooks" ] && command -v node > /dev/null; then
  cp bench/nginx_octokit.mjs "$out/octokit/" || exit
  octokit=$out/octokit/nginx_octokit.mjs
fi

# What is measured has a processor of its own where there are two; the rest has the other.
server='' rest=()
if [ "$(nproc)" -ge 2 ] && command -v taskset > /dev/null; then
  server='taskset -c 0' rest=(taskset -c 1)
fi

if ! "${rest[@]}" tools/with-lua jit bench/nginx.lua "$server" "$out/http_server" "$octokit"; then
  echo "a bar was missed" >&2
  exit 1
fi
