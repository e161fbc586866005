#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile slow_sync '' -shared -fPIC -ldl
$rest tools/with-lua jit bench/disk.lua "$measured" "$directory" "$PWD/$out/slow_sync"
