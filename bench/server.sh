#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile server_bare libmicrohttpd
$rest tools/with-lua 5.4 bench/server.lua "$measured" "$out/server_bare" "$octokit" "$directory"
