--- Specs that need a process of their own: under a collector that finishes a cycle in each allocation, a heap that
--- other specs have filled makes them take hours.

local assert = require "luassert"
local process = require "spec.support.process"

local LIMIT_S = 300

--- Makes one spec of a file of specs: it runs the file in a process of its own.
---@param path string
---@param it function busted's
---@return boolean is_parent false in that process
return function(path, it)
  if os.getenv "APIVIDEO_ALONE" then return false end
  it("passes in a process of its own: " .. path, function()
    local environment = "APIVIDEO_ALONE=1 " .. (os.getenv "RUN_UNDER" or "")
    local output, status = process.start({ arg[0], "--output=TAP", path }, environment):finish(LIMIT_S)
    assert.equal(0, status, output)
    assert.truthy(output:find("ok 1 -", 1, true), output)
  end)
  return true
end
