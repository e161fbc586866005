--- Handles the events of an inbox that are ready, and returns: `inbox:work` for tests.

local cancellation = require "apivideo.runtime.cancellation"
local inboxes = require "apivideo.inbox"
local tables = require "apivideo.util.tables"
local work_options = require "apivideo.inbox.work_options"
local worker = require "apivideo.inbox.worker"

-- Whether as many events of a type are being handled as the option `concurrency` allows: others may be ready.
local function is_full(limits)
  for _, limit in ipairs(limits or {}) do
    if limit.count == 0 then return true end
  end
  return false
end

-- The inbox for the worker. Once no event is ready, or the store fails, it cancels the work.
local function until_empty(inbox, cancel, result)
  local function claim(_, limit, lease, limits)
    local claims, err = inbox:_claim(limit, lease, limits)
    if not claims or not claims[1] and not is_full(limits) then cancel:cancel() end
    result.err = result.err or err
    result.count = result.count + #(claims or {})
    return claims or {}
  end
  return setmetatable({ _claim = claim }, { __index = inbox })
end

--- Runs handlers for the events of an inbox that are ready, and returns when none is left: those that wait for their
--- next attempt, or for another event of their lane, stay. Move the clock for their next attempt.
---@param inbox apivideo.Inbox
---@param handlers apivideo.Handlers
---@param options? apivideo.WorkOptions except `cancel` and `signals`
---@return integer|nil attempts how many were made
---@return apivideo.Error? err `store_unavailable`
return function(inbox, handlers, options)
  if not inboxes.is(inbox) then
    error("testing.drain: an inbox expected, from apivideo.inbox, got " .. type(inbox), 2)
  end
  for _, name in ipairs { "cancel", "signals" } do
    if type(options) == "table" and options[name] ~= nil then
      error(("testing.drain: option \"%s\" is not possible: drain ends by itself; leave it out"):format(name), 2)
    end
  end
  work_options.check("testing.drain", handlers, options or {}, 3)
  local cancel, result = cancellation.new(), { count = 0 }
  worker.work(until_empty(inbox, cancel, result), handlers, tables.merge({ cancel = cancel }, options))
  if result.err then return nil, result.err end
  return result.count
end
