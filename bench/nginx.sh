#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile http_server libcurl
$rest tools/with-lua jit bench/nginx.lua "$measured" "$out/http_server" "$octokit"
$rest tools/with-lua jit bench/nginx_calls.lua "$measured" "$out/http_server"
