--- The options of `inbox:work`.

local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local runtime = require "apivideo.runtime"

local known = { concurrency = "integer>=1|table?", rate = "number>0?", pause_after = "integer>=1?",
  probe_interval = "seconds>0?", lease = "seconds>0?", max_attempts = "integer>=1?", backoff = "seconds>0?",
  handler_timeout = "seconds>0?", cancel = "table?", signals = "boolean?", on_settled = "function?" }

---@class apivideo.WorkOptions
---@field concurrency? integer|table<string, integer> how many events are handled at the same time, default 1; by type or pattern: `{ default = 16, ["video.source.recorded"] = 1 }`, where `default` is the number of all
---@field rate? number how many events per second begin to be handled at most, default: no limit
---@field pause_after? integer failures in a row of one type, after which the type is paused for all workers; default: none
---@field probe_interval? number seconds until one event of such a type is handled as a probe, which ends the pause if it succeeds, default 30
---@field lease? number seconds after which another worker gets an event of a worker that died, default 30; a handler that takes longer keeps its event, since the lease is renewed
---@field handler_timeout? number seconds after which an attempt whose handlers have not returned counts as failed, default ten leases
---@field max_attempts? integer after which an event becomes a dead letter, default 10
---@field backoff? number seconds before the second attempt, default 5; then up to twice as long each time, and 10 minutes at most
---@field cancel? apivideo.Cancellation ends the work, after the events that are being handled
---@field signals? boolean SIGINT and SIGTERM end the work, after the events that are being handled; the second one ends it at once. Not in nginx, which handles the signals itself
---@field on_settled? fun(settlement: apivideo.Settlement) called for each attempt, in addition to the line in the log

local work_options = {}

-- Checks the numbers by type.
local function check_types(where, concurrency, level)
  for name, count in pairs(concurrency) do
    if type(name) ~= "string" then
      error(('%s: option "concurrency": the names must be types or patterns, or default; got %s'):format(where,
        tostring(name)), level)
    end
    checks.value(('%s: option "concurrency": %s'):format(where, name), count, "integer>=1", level)
  end
end

--- Checks the arguments of inbox:work, or of testing.drain.
---@param where string the function's name
---@param handlers any
---@param options any
---@param level integer at which it raises, as seen from here
function work_options.check(where, handlers, options, level)
  checks.options(where, options, known, level + 1)
  if type(options.concurrency) == "table" then check_types(where, options.concurrency, level + 1) end
  if type(handlers) ~= "table" or type(handlers.dispatch) ~= "function" then
    error(where .. ": handlers expected, from apivideo.handlers()", level)
  end
  if options.signals and not runtime.on_signal then
    error(where .. ": option \"signals\" is for scripts: nginx handles the signals of its workers itself", level)
  end
  cancellation.check(where, options.cancel, level + 1)
end

return work_options
