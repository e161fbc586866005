#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile http_server
for lua in 5.4 jit; do
  mkdir "$directory/$lua"
  tools/with-lua "$lua" bench/growth.lua "$out/http_server" "$directory/$lua"
done
