#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

$rest tools/with-lua jit bench/disk.lua "$measured" "$directory"
