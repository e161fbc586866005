--- The receiver that bench/inbox.lua measures, in a standalone server and in nginx: with handlers, or with an inbox.

local apivideo = require "apivideo"

local SECRET = "sig_sec_0000000000000000000000"

local app = {}

local stores = {
  sqlite = function(directory) return require "apivideo.inbox.sqlite" { path = directory .. "/inbox.db" } end,
  redis = function(port) return require "apivideo.inbox.redis" { port = tonumber(port) } end,
}

--- Creates a receiver.
---@param kind string "handlers", "sqlite" or "redis"; with the suffix "+work", app.start starts a worker
---@param place string the store's directory, or port
function app.new(kind, place)
  local handlers = apivideo.handlers():on("video.caption.generated", function() end)
  local new_store, works = stores[kind:match "^%a+"], kind:find("+work", 1, true)
  if not new_store then return apivideo.receiver { handlers = handlers, secrets = SECRET } end
  local inbox = apivideo.inbox { store = new_store(place) }
  function app.start()
    if works then apivideo.spawn(function() inbox:work(handlers, { concurrency = 32 }) end) end
  end
  return apivideo.receiver { inbox = inbox, secrets = SECRET }
end

--- Starts the worker, if there is one.
function app.start() end

return app
