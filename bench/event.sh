#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

for lua in 5.1 5.2 5.3 5.4 jit; do tools/with-lua "$lua" bench/event.lua; done
