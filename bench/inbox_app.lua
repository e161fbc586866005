--- The receiver that bench/inbox.lua measures, in a standalone server and in nginx: with handlers alone, or
--- with an inbox in a store that they are done from.

local apivideo = require "apivideo"

local SECRET = "sig_sec_0000000000000000000000"

local app = {}

-- A store that commits each event by itself.
local function one_by_one(store)
  return setmetatable({ put = function(_, items, window)
    local verdicts = {}
    for i, item in ipairs(items) do
      local each, err = store:put({ item }, window)
      if not each then return nil, err end
      verdicts[i] = each[1]
    end
    return verdicts
  end }, { __index = function(_, name)
    return function(_, ...) return store[name](store, ...) end
  end })
end

local function sqlite(directory)
  return require "apivideo.inbox.sqlite" { path = directory .. "/inbox.db" }
end

local stores = {
  sqlite = sqlite,
  single = function(directory) return one_by_one(sqlite(directory)) end,
  redis = function(port) return require "apivideo.inbox.redis" { port = tonumber(port) } end,
}

--- A receiver. `kind` is "handlers", or a store's, which "+work" follows where a worker is to be at work.
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
