--- Handles the events of an inbox that are ready, and returns: `inbox:work` for tests.

local cancellation = require "apivideo.runtime.cancellation"
local inboxes = require "apivideo.inbox"
local tables = require "apivideo.util.tables"
local work_options = require "apivideo.inbox.work_options"
local worker = require "apivideo.inbox.worker"

-- The inbox for the worker. Once no event is ready, or the store fails, it cancels the work.
local function until_empty(inbox, cancel, result)
  local function claim(_, options)
    local claims, err = inbox:claim(options)
    if not claims or not claims[1] then cancel:cancel() end
    result.err = result.err or err
    result.count = result.count + #(claims or {})
    return claims or {}
  end
  return setmetatable({ claim = claim }, { __index = inbox })
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
