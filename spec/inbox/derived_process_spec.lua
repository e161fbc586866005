-- A worker is killed while it completes an event and puts those that follow from it: both are stored, or neither.

local json = require "apivideo.util.json"
local process = require "spec.support.process"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"
local sqlite_stores = require "spec.support.sqlite_stores"
local wait_for = require "spec.support.wait"

local apivideo = require "apivideo"

-- A worker with functions for two conditions. It is killed at a visit of a boundary.
local WORKER = [[
  local apivideo = require "apivideo"
  local points = require "spec.crash.points"
  local store = points.around(require("apivideo.inbox.%s")(%s), "%s", { name = "%s", at = %d, signal = "KILL" })
  local handlers = apivideo.handlers()
  handlers:on_ready("playable", print):on_ready("mp4", print)
  apivideo.inbox({ store = store }):work(handlers, { lease = 0.2, on_settled = print })
]]

local EVENT = apivideo.events:sample "video.encoding.quality.completed"
EVENT.encoding = "mp4"

-- Runs the worker on one event until it is killed there. Returns the counts of the inbox then.
local function kill_at(kind, open, options, name, visit)
  local inbox = apivideo.inbox { store = open() }
  assert.is_true(inbox:put { event = EVENT, raw = json.encode(EVENT) })
  local child = process.start { "-e", WORKER:format(kind, options, kind, name, visit) }
  child:wait_for("at " .. name)
  child:wait()
  local stats = wait_for(function()
    local now = assert(inbox:stats())
    return now.claimed == 0 and now -- its lease has expired
  end, "the lease's end")
  return inbox, stats.done, stats.waiting
end

-- Finishes the work in this process. Returns the conditions of the functions that ran, sorted.
local function finish(inbox)
  local runs, cancel = {}, apivideo.cancellation()
  local function note(event) runs[#runs + 1] = event.condition end
  local handlers = apivideo.handlers():on_ready("playable", note):on_ready("mp4", note)
  inbox:work(handlers, { cancel = cancel, on_settled = function()
    if assert(inbox:stats()).done == 3 then cancel:cancel() end
  end })
  table.sort(runs)
  return runs
end

-- Kills a worker at each of some visits of boundaries: { name, visit, whether the event is complete then }.
local function check(kind, open, options, visits, reset)
  for _, each in ipairs(visits) do
    reset()
    local name, visit, is_complete = each[1], each[2], each[3]
    local where = ("%s, visit %d"):format(name, visit)
    local inbox, done, waiting = kill_at(kind, open, options, name, visit)
    assert.same(is_complete and { 1, 2 } or { 0, 1 }, { done, waiting }, where)
    assert.same({ "mp4", "playable" }, finish(inbox), where)
    inbox:close()
  end
end

describe("a worker that is killed while it completes an event #process", function()
  it("has put what follows from it in SQLite if it is complete, and not otherwise", function()
    finally(sqlite_stores.clean)
    check("sqlite", sqlite_stores.open, ("{ path = %q, thread = false }"):format(sqlite_stores.path), {
      { "complete:before", 1, false },
      { "complete:written", 1, false }, { "complete:written", 2, false }, { "complete:written", 3, false },
      { "complete:committed", 1, true },
      { "complete:after", 1, true },
    }, sqlite_stores.clean)
  end)

  if redis_server.missing() then
    pending("has put what follows from it in Redis if it is complete: " .. redis_server.missing())
    return
  end

  it("has put what follows from it in Redis if it is complete, and not otherwise", function()
    local server = redis_server.start()
    finally(function() server:stop() end)
    local function open() return redis { port = server.port } end
    check("redis", open, ("{ port = %d }"):format(server.port), {
      { "complete:before", 1, false },
      { "complete:replied", 1, false }, { "complete:replied", 2, true }, -- to SCRIPT LOAD and EVALSHA
      { "complete:after", 1, true },
    }, function() server:command "FLUSHALL" end)
  end)
end)
