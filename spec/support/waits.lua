--- How long calls wait between attempts, in a test.

local policy = require("apivideo.transport.retry").policy

local base, cap = policy.base, policy.cap

local waits = {}

--- Sets the first back-off, and the longest one.
---@param first number seconds
---@param longest? number seconds
function waits.set(first, longest)
  policy.base, policy.cap = first, longest or cap
end

--- Puts back what holds outside tests.
function waits.restore()
  policy.base, policy.cap = base, cap
end

return waits
