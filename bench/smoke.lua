--- The loops for which bench/smoke counts instructions: bench/smoke.lua COUNT
---
--- Each path has a reference without our code, so that the ratio depends little on the Lua, the compiler and the
--- libc. callgrind writes a dump at each call of core.monotonic, which separates the loops. Prints the paths in the
--- order of the dumps.

local jit = rawget(_G, "jit")
if jit then jit.off() end -- JIT compilation is not deterministic

local apivideo = require "apivideo"
local cjson = require "cjson.safe"
local core = require "apivideo.core"

local COUNT = tonumber(arg[1])
local SECRET = "sig_sec_0000000000000000000000"

local texts = {}
for i, name in ipairs(apivideo.events:names()) do texts[i] = assert(cjson.encode(apivideo.events:sample(name))) end
local parse = core.event.compile(apivideo.events.types)

local body = ("x"):rep(200)
local hex, verify = core.signature.sign(body, SECRET), core.signature.verify

local event = apivideo.events:sample "video.summary.generated"
local function ignore() end
local handlers = apivideo.handlers():on("video.summary.*", ignore)
for _ = 1, 10000 do handlers:on("live-stream.*", ignore) end

local function each_text(fn)
  return function()
    for i = 1, #texts do fn(texts[i]) end
  end
end

local paths = {
  { "parse", each_text(parse) },
  { "parse:reference", each_text(cjson.decode) },
  { "verify", function() return verify(body, hex, SECRET) end },
  { "verify:reference", function() return #hex end }, -- the rest of the reference is bench/signature.c
  { "dispatch", function() return handlers:dispatch(event) end },
  { "dispatch:reference", function() return pcall(ignore, event) end },
}

-- Two rounds: the first one includes initialization.
for round = 1, 2 do
  for _, path in ipairs(paths) do
    local fn = path[2]
    collectgarbage()
    collectgarbage "stop"
    core.monotonic()
    for _ = 1, COUNT do fn() end
    core.monotonic()
    collectgarbage "restart"
    if round == 2 then print(path[1]) end
  end
end
