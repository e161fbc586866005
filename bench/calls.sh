#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile http_server
compile http_loop libcurl
$rest tools/with-lua jit bench/calls.lua "$measured" "$out/http_server" "$out/http_loop"
