#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

tools/with-lua 5.4 bench/dispatch.lua
