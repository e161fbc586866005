--- Changes the backoff of calls in a test.

local policy = require("apivideo.transport.retry").policy

local base, cap = policy.base, policy.cap

local waits = {}

--- Sets the first and the maximum backoff.
---@param first number seconds
---@param longest? number seconds
function waits.set(first, longest)
  policy.base, policy.cap = first, longest or cap
end

--- Restores the defaults.
function waits.restore()
  policy.base, policy.cap = base, cap
end

return waits
