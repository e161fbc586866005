#!/usr/bin/env bash
# bench/nginx.lua in LuaJIT; with OCTOKIT=1 also beside @octokit/webhooks, from the npm registry.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
out=build/bench
mkdir -p "$out"
"${CC:-cc}" -std=c99 -D_GNU_SOURCE -O2 -o "$out/http_server" bench/http_server.c || exit

octokit=
if [ -n "${OCTOKIT:-}" ]; then
  if ! command -v npm > /dev/null; then
    echo "(Without @octokit/webhooks: npm is not there.)"
  elif npm install --silent --no-fund --no-audit --prefix "$out/octokit" @octokit/webhooks > /dev/null; then
    cp bench/nginx_octokit.mjs "$out/octokit/"
    octokit=$out/octokit/nginx_octokit.mjs
  else
    echo "(Without @octokit/webhooks: npm could not install it.)"
  fi
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
