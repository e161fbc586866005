--- For busted's --helper: an aggressive collector, so that unreferenced objects are collected soon. LuaJIT runs
--- without its compiler, which eliminates allocations.

if jit then jit.off() end
require("spec.support.gc").set(0, 400)
