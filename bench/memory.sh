#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

ulimit -n 20000 || exit # for thousands of connections
compile http_server
for lua in 5.4 jit; do tools/with-lua "$lua" bench/memory.lua "$out/http_server" "$directory/script.lua"; done
