#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile http_server
compile http_loop libcurl
for lua in 5.4 jit; do
  $measured tools/with-lua "$lua" bench/http.lua "$rest" "$out/http_server" "$out/http_loop"
done
