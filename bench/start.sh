#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile cost
for lua in 5.4 jit; do tools/with-lua "$lua" bench/start.lua "$out/cost"; done
