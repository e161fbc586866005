--- The span in which the running coroutine is. Concurrent tasks have coroutines of their own, so their spans do not mix.

local host = require "apivideo.runtime.host"
local protected = require "apivideo.util.pcall"

local ngx = host.ngx

local MAIN = {} -- stands for the main thread, which Lua 5.1 does not return

-- Coroutine -> its span. The values are weak, too: nginx reuses the coroutines of ended requests, which must keep no
-- span. The function that set it keeps it in a local variable.
local spans = setmetatable({}, { __mode = "kv" })

local function context() return ngx.ctx end

-- Identifies nginx's current request or timer; nil elsewhere, and in init_by_lua.
local function request()
  if not ngx then return nil end
  local ok, ctx = pcall(context)
  return ok and ctx or nil
end

local current_span = {}

--- Sets the span of the running coroutine.
---@param span table|nil
function current_span.set(span)
  if span then span.request = request() end
  spans[coroutine.running() or MAIN] = span
end

--- The span of the running coroutine, or nil. In nginx it is that of this request: a request that was ended by ngx.exit
--- may have left its span with the coroutine.
---@return table|nil
function current_span.get()
  local co = coroutine.running() or MAIN
  local span = spans[co]
  while not span and protected.parent and co ~= MAIN do -- in Lua 5.1, a pcall runs in a coroutine
    co = protected.parent(co) or MAIN
    span = co ~= MAIN and spans[co] or nil
  end
  return span and span.request == request() and span or nil
end

return current_span
