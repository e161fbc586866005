#!/usr/bin/env bash
# shellcheck source=bench/common.sh
source "$(dirname "$0")/common.sh"

for lua in 5.1 5.2 5.3 5.4 jit; do
  package=lua$lua
  [ "$lua" = jit ] && package=luajit
  compile event_push "$package" -shared -fPIC
  tools/with-lua "$lua" bench/event.lua "$out/event_push"
done
