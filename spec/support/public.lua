--- The public functions: the members of `apivideo` and of its modules, and the methods of the objects that they return.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local json = require "cjson"
local server = require "apivideo.server"
local testing = require "apivideo.testing"

local public = {}

local RESOURCES = { "webhooks", "videos", "live_streams", "captions", "summaries" }
local STORES = { "memory", "sqlite", "redis" }
local LAZY = { "client", "handlers", "inbox", "metrics", "receiver", "reconcile" } -- loaded at their first use
local INTERNAL = { new = true } -- of resources: a client creates them itself
local ANY_STORE = apivideo.inbox.memory() -- has the functions of any store, which are not for users

local function claim_of(inbox)
  local event = apivideo.events:sample "video.source.recorded"
  inbox:put { event = event, raw = json.encode(event) }
  return assert(inbox:claim())[1]
end

local function video_of_delivery(client)
  local delivery = {}
  apivideo.handlers({ client = client }):dispatch(apivideo.events:sample "video.source.recorded", delivery)
  return delivery.video
end

-- An object of each public class, by its name in the reference.
local function new_objects()
  local client = apivideo.client { api_key = "key", base_url = "http://127.0.0.1:9", retries = 0 }
  local inbox, handlers = apivideo.inbox { store = apivideo.inbox.memory() }, apivideo.handlers()
  local objects = {
    client = client, inbox = inbox, claim = claim_of(inbox), handlers = handlers, ["apivideo.events"] = apivideo.events,
    receiver = apivideo.receiver { handlers = handlers, unsigned = true },
    ["apivideo.testing.clock"] = testing.clock, store = testing.store(),
    secrets = client.webhooks:secret_source(), cancellation = apivideo.cancellation(),
    server = assert(server.listen { handler = function() return 204 end }),
    emulator = assert(emulator.start { api_key = "key" }), ["delivery.video"] = video_of_delivery(client),
    metrics = apivideo.metrics(), page = apivideo.page { inbox = inbox },
    reconciliation = apivideo.reconcile { client = client, inbox = inbox },
  }
  for _, name in ipairs(RESOURCES) do objects["client." .. name] = client[name] end
  objects.server:stop()
  objects.emulator:stop()
  return objects
end

local function functions_of(module)
  local functions = {}
  for name, value in pairs(module) do functions[name] = type(value) == "function" and value or nil end
  return functions
end

-- The members of `apivideo`, also those that `pairs` does not visit.
local function all_members()
  local list = {}
  for name, value in pairs(apivideo) do list[name] = value end
  for _, name in ipairs(LAZY) do list[name] = apivideo[name] end
  return list
end

-- The modules whose members are public, by their name in the reference.
local function modules()
  local stores = {}
  for _, name in ipairs(STORES) do stores[name] = apivideo.inbox[name] end
  return {
    apivideo = all_members(), ["apivideo.inbox"] = stores, ["apivideo.server"] = server,
    ["apivideo.emulator"] = emulator,
    ["apivideo.testing"] = functions_of(testing),
  }
end

local function is_callable(value)
  return type(value) == "function" or type(value) == "table" and (getmetatable(value) or {}).__call ~= nil
end

--- The public functions and constants, by their name in the reference, such as `handlers:on` or `apivideo.null`, each
--- with its `value`, whether it is `callable`, its own name (`method`), the `object` that has it, how it is called
--- (`sign`: a colon or a dot), and the name of the object in the reference (`of`).
---@return table<string, table>
function public.members()
  local members = {}
  local function add(of, sign, name, value, object)
    members[of .. sign .. name] =
      { value = value, callable = is_callable(value), of = of, sign = sign, method = name, object = object }
  end
  for of, module in pairs(modules()) do
    for name, value in pairs(module) do
      if not name:find "^_[_%l]" then add(of, ".", name, value, module) end
    end
  end
  add("apivideo", ".", "page", apivideo.page, apivideo) -- `pairs` does not visit what is loaded at its first use
  for of, object in pairs(new_objects()) do
    for name, value in pairs(getmetatable(object).__index) do
      local is_public = type(value) == "function" and not name:find "^_" and not INTERNAL[name]
        and not (of == "store" and ANY_STORE[name])
      if is_public then add(of, ":", name, value, object) end
    end
    if object.rate_limit then add(of, ".", "rate_limit", object.rate_limit, object) end
  end
  return members
end

return public
