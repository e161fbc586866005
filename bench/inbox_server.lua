--- The receiver that bench/inbox.lua measures: a standalone server that prints its port and ends when its
--- input does. arg[1] is what is behind it: handlers, or an inbox in a store; arg[2] its directory or port.

local apivideo = require "apivideo"
local server = require "apivideo.server"

local kind, place = arg[1], arg[2]
local SECRET = "sig_sec_0000000000000000000000"

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

local function sqlite()
  return require "apivideo.inbox.sqlite" { path = place .. "/inbox.db" }
end

local stores = {
  sqlite = sqlite,
  single = function() return one_by_one(sqlite()) end,
  redis = function() return require "apivideo.inbox.redis" { port = tonumber(place) } end,
}

local function new_receiver()
  if stores[kind] then
    return apivideo.receiver { inbox = apivideo.inbox { store = stores[kind]() }, secrets = SECRET }
  end
  local handlers = apivideo.handlers():on("video.caption.generated", function() end)
  return apivideo.receiver { handlers = handlers, secrets = SECRET }
end

local listening = assert(server.listen { receiver = new_receiver() })
io.write(listening.port, "\n")
io.flush()
require("apivideo.runtime").watch(0, function() os.exit(0) end)
apivideo.run()
