--- Specs of inbox:work: the inbox of a test, its handlers, and how they settled its events.

local apivideo = require "apivideo"
local inboxes = require "spec.support.inboxes"
local memory = require "apivideo.inbox.memory"
local runtime = require "apivideo.runtime"
local tables = require "apivideo.util.tables"
local wait_for = require "spec.support.wait"

local working = {}

--- Sets up a test: before_each(working.start).
function working.start()
  working.store = inboxes.failing(memory())
  working.over()
  working.handlers, working.cancel, working.settlements = apivideo.handlers(), apivideo.cancellation(), {}
end

--- Ends the work of a test: after_each(working.stop).
function working.stop() working.cancel:cancel() end

--- Creates the inbox, with other options, and a receiver that fills it.
---@param more? table
function working.over(more)
  local options = tables.merge({ store = working.store }, more)
  working.inbox = apivideo.inbox(options)
  working.receiver = apivideo.receiver { inbox = working.inbox, secrets = inboxes.SECRET }
end

function working.deliver(raw) return inboxes.deliver(working.receiver, raw) end

function working.stats() return assert(working.inbox:stats()) end

--- Works in a task. Returns a latch that opens at the end.
---@param more? table options of inbox:work
function working.work(more)
  local settled = working.settlements -- of this test: the work may outlast it
  local options = tables.merge({
    cancel = working.cancel, backoff = 0.01, on_settled = function(s) settled[#settled + 1] = s end
  }, more)
  local ended, inbox, handlers = runtime.latch(), working.inbox, working.handlers
  apivideo.spawn(function() ended:open(inbox:work(handlers, options)) end)
  return ended
end

--- Waits for a number of entries in a state.
function working.wait_until(state, count)
  wait_for(function() return working.stats()[state] == count end, count .. " " .. state)
end

return working
