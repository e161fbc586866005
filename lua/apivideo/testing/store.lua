--- A store of an inbox for tests: in memory, and it fails on demand, as a database that is unavailable.

local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local memory = require "apivideo.inbox.memory"

---@class apivideo.TestStore : apivideo.Store
---@field private _memory apivideo.Store
---@field private _is_failing boolean
local Store = {}
Store.__index = Store
Store.__name = "apivideo.TestStore"

Store.__tostring = function() return "apivideo.testing.store (volatile)" end

local function define(name)
  Store[name] = function(self, ...)
    if self._is_failing then
      return nil, errors.new("store_unavailable", "the test has called store:fail(), and not yet store:recover()",
        { origin = "testing" })
    end
    return self._memory[name](self._memory, ...)
  end
end

for name in pairs(getmetatable(memory())) do
  if not name:find "^_" then define(name) end
end

--- From now on, each call of the store fails with `store_unavailable`. Its events stay.
function Store:fail()
  checks.self(self, Store, "store", "fail")
  self._is_failing = true
end

--- Ends `fail`.
function Store:recover()
  checks.self(self, Store, "store", "recover")
  self._is_failing = false
end

--- Creates a store.
---@return apivideo.TestStore
return function()
  return setmetatable({ _memory = memory(), _is_failing = false }, Store)
end
