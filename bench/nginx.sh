#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile floor luajit -shared -fPIC
$rest tools/with-lua jit bench/nginx.lua "$measured" "$octokit" "$directory" "$PWD/$out/floor"
