--- Changes the pauses between attempts in a test.

local waits = {}

--- Returns functions that change a policy and restore it.
---@param policy { base: number, cap: number }
---@return fun(first: number, longest?: number) set the first and the maximum pause, in seconds
---@return fun() restore
function waits.of(policy)
  local base, cap = policy.base, policy.cap
  local function set(first, longest) policy.base, policy.cap = first, longest or cap end
  local function restore() policy.base, policy.cap = base, cap end
  return set, restore
end

--- Those of the backoff of calls.
waits.set, waits.restore = waits.of(require("apivideo.transport.retry").policy)

return waits
