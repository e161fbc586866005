--- For busted's --helper: a collector that hardly ever rests, so that what C or Lua does not hold on to is
--- soon gone. LuaJIT runs without its compiler, which sinks allocations.

if jit then jit.off() end
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 400)
