--- For specs that need a process of their own: with a collector that finishes a cycle in each allocation, the heap of
--- other specs would make them take hours.

local assert = require "luassert"
local process = require "spec.support.process"

local TIMEOUT_S = 300

--- Replaces the specs of a file by one spec, which runs the file in a process of its own.
---@param path string
---@param it function busted's
---@return boolean is_parent false in the new process
return function(path, it)
  if os.getenv "APIVIDEO_ALONE" then return false end
  it("passes in a process of its own: " .. path, function()
    local environment = "APIVIDEO_ALONE=1 " .. (os.getenv "RUN_UNDER" or "")
    local output, status = process.start({ arg[0], "--output=TAP", path }, environment):finish(TIMEOUT_S)
    assert.equal(0, status, output)
    assert.truthy(output:find("ok 1 -", 1, true), output)
  end)
  return true
end
