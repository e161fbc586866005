--- The handler of a store's thread, with a clock that a test sets. The directory of this file must be the first of
--- package.path. The file of the store, with ".clock" at its end, has the seconds that the clock is ahead.

local core = require "apivideo.core"

local name = ...
package.path = package.path:gsub("^[^;]*;", "")
package.loaded[name] = nil
local handler = require(name)

local monotonic = core.monotonic
local path

local function ahead()
  local file = io.open(path .. ".clock")
  if not file then return 0 end
  local seconds = file:read "*n"
  file:close()
  return seconds
end

return function(method, module, options, ...)
  if method == "new" then path = options.path end
  local seconds = ahead()
  core.monotonic = function() return monotonic() + seconds end
  return handler(method, module, options, ...)
end
