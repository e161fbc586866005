--- One call of a handler: whether it failed, and with which error.

local failure = require "apivideo.util.failure"
local log = require "apivideo.runtime.log"
local log_fields = require "apivideo.events.log_fields"
local permanent = require "apivideo.events.permanent"
local protected = require "apivideo.util.pcall"
local runtime = require "apivideo.runtime"

local raised, xpcall = failure.raised, protected.xpcall

local handler_call = {}

-- Logs a permanent failure that a handler created but did not return: it has no effect then.
local function warn_unreturned(count, err, event, delivery)
  local is_unreturned, cause = permanent.made_since(count)
  if not is_unreturned or permanent.is(err) then return end
  log.warn(("a handler of %s called apivideo.permanent(%s) but did not return its results, so it has no effect; write "
    .. "`return apivideo.permanent(…)`"):format(tostring(event.type), failure.message(cause)),
    log_fields(event, delivery))
end

-- The error of a handler and its traceback, from what `xpcall` returned; nil if the handler succeeded.
local function error_of(ok, result, err)
  if not ok then
    local problem, traceback = failure.parts(result)
    return problem == nil and "a handler raised nil" or problem, traceback
  end
  if permanent.is(result) then return result end
  if result == false and err == nil then return "a handler returned false" end
  if not result then return err end
  return nil
end

--- Calls a handler.
---@param fn apivideo.Handler
---@param event apivideo.Event
---@param delivery? apivideo.Delivery
---@return any err nil if it succeeded
---@return string? traceback of an error that was raised
function handler_call.run(fn, event, delivery)
  local count = permanent.count
  local ok, result, err = xpcall(fn, raised, event, delivery)
  if ok and result == nil and err == nil and count == permanent.count then return nil end
  local problem, traceback = error_of(ok, result, err)
  if count ~= permanent.count then warn_unreturned(count, problem, event, delivery) end
  return problem, traceback
end

runtime.forbid_exit(handler_call.run, "a handler")

--- Calls a function of `on_error`.
---@param fn function
---@param err any
---@param event apivideo.Event|nil
---@param delivery apivideo.Delivery|nil
---@param traceback? string
---@return any problem what the function raised, or nil
---@return string? traceback of the problem
function handler_call.report(fn, err, event, delivery, traceback)
  local ok, result = xpcall(fn, raised, err, event, delivery, traceback)
  if ok then return nil end
  local problem, problem_traceback = failure.parts(result)
  return problem == nil and "on_error raised nil" or problem, problem_traceback
end

runtime.forbid_exit(handler_call.report, "a function of handlers:on_error")

return handler_call
