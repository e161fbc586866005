#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

$rest tools/with-lua 5.4 bench/server.lua "$measured" "$octokit" "$directory"
