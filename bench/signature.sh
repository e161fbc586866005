#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile signature libcrypto
tools/with-lua 5.4 bench/signature.lua "$out/signature"
