--- The receiver that bench/inbox.lua and bench/disk.lua measure, in a standalone server and in nginx: with handlers, or
--- with an inbox in SQLite.

local apivideo = require "apivideo"

local SECRET = "sig_sec_0000000000000000000000"

local app = {}

--- Creates a receiver.
---@param kind "handlers"|"durable"|"handled" with "handled", app.start starts a worker
---@param directory string of the inbox
---@param thread string "false": the store has no thread of its own
function app.new(kind, directory, thread)
  local handlers = apivideo.handlers():on("video.caption.generated", function() end)
  if kind == "handlers" then return apivideo.receiver { handlers = handlers, secrets = SECRET } end
  local store = require "apivideo.inbox.sqlite" { path = directory .. "/inbox.db", thread = thread ~= "false" }
  local inbox = apivideo.inbox { store = store }
  function app.start()
    if kind == "handled" then apivideo.spawn(function() inbox:work(handlers, { concurrency = 32 }) end) end
  end
  return apivideo.receiver { inbox = inbox, secrets = SECRET }
end

--- Starts the worker, if there is one.
function app.start() end

return app
