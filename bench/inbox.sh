#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

compile transaction sqlite3
tools/with-lua jit bench/transaction.lua "$directory" || exit
$rest tools/with-lua jit bench/inbox.lua "$measured" "$directory" "$out/transaction"
