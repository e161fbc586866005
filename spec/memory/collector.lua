--- For busted's --helper: a collector that hardly ever rests, so that what C or Lua does not hold on to is
--- soon gone. LuaJIT runs without its compiler, which sinks allocations.

if jit then jit.off() end
require("spec.support.gc").set(0, 400)
