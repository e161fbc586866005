--- The conformance suite of the stores of an inbox. The spec of each store runs it:
---   conformance("memory", { open = function() return memory() end })

local busted = require "busted"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local thread = require "apivideo.runtime.thread"
local wait_for = require "spec.support.wait"

local WINDOW = 20

-- The specs, by topic.
local TOPICS = { "put", "settle", "complete", "lanes", "operate", "types", "attempts", "filters", "replay", "import",
  "activity", "state" }

-- An item with the fields that matter to a test, and defaults.
local function item(fields)
  local result = {
    key = "key", raw = "{}", verified = true, received_at = 1700000000.25, webhook_id = "webhook_1",
  }
  for name, value in pairs(fields) do result[name] = value end
  return result
end

local function ids_of(entries)
  local ids = {}
  for i, entry in ipairs(entries) do ids[i] = entry.id end
  return ids
end

-- Calls a function as if in a forked child process.
local function in_child(fn)
  local process_id = core.process_id
  core.process_id = function() return process_id() + 1 end
  local ok, problem = pcall(fn)
  core.process_id = process_id
  if not ok then error(problem, 0) end
end

---@class spec.StoreKind
---@field open fun(): apivideo.Store an empty store; it is closed after the test
---@field again? fun(): apivideo.Store another store on the same events, as in another process
---@field volatile? boolean
---@field unwritable? fun(fn: fun()) calls fn while the events cannot be written
---@field advance? fun(seconds: number) sets the clock of a store that does not use the monotonic one, to some seconds from now
---@field inherited? "works"|"rejects" the behaviour in the child of a store that was used before a fork

---@class spec.StoreTest: what the specs of a topic use
---@field kind spec.StoreKind

---@param name string
---@param kind spec.StoreKind
return function(name, kind)
  busted.describe("inbox store " .. name, function()
    local test = { kind = kind, WINDOW = WINDOW, item = item, ids_of = ids_of, raws_of = inboxes.raws_of,
      in_child = in_child }
    local store, opened

    busted.before_each(function()
      store = kind.open()
      opened = { store }
    end)

    busted.after_each(function()
      for _, each in ipairs(opened) do each:close() end
    end)

    --- The store of the test.
    function test.store() return store end

    --- Another store on the same events, or the same one if there can be no other.
    function test.another()
      if not kind.again then return store end
      local other = kind.again()
      opened[#opened + 1] = other
      return other
    end

    function test.put(fields)
      return assert(store:put({ item(fields) }, WINDOW))[1]
    end

    function test.claim(lease)
      return assert(store:claim(1, lease or 60))[1]
    end

    --- Claims until an event is ready: after a lease or a delay of a test.
    function test.claim_soon(lease)
      return wait_for(function() return test.claim(lease) end, "an entry")
    end

    --- Calls a function when a time has passed on the store's clock.
    function test.after(seconds, fn)
      if kind.advance then
        kind.advance(seconds)
        return fn()
      end
      local monotonic = core.monotonic
      core.monotonic, thread.clock_ahead = function() return monotonic() + seconds end, seconds
      local ok, problem = pcall(fn)
      core.monotonic, thread.clock_ahead = monotonic, 0
      assert(ok, problem)
    end

    --- The number of entries in a state.
    function test.count(state)
      return #assert(store:list({ state = state }, { limit = 1000 }))
    end

    for _, topic in ipairs(TOPICS) do require("spec.support.conformance." .. topic)(test) end
  end)
end
