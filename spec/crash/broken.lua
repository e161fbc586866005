--- Stores with deliberate bugs, one each: the suite must detect each of them.

local core = require "apivideo.core"
local runtime = require "apivideo.runtime"

local broken = {}

-- A store like another one, with some methods replaced.
local function but(store, methods)
  return setmetatable(methods, { __index = function(_, method)
    return store[method] and function(_, ...) return store[method](store, ...) end
  end })
end

--- Acknowledges an event before it writes it.
function broken.acks_before_it_writes(store)
  return but(store, { put = function(_, items, window)
    local results = {}
    for i = 1, #items do results[i] = true end
    runtime.spawn(function()
      runtime.sleep(0.2)
      store:put(items, window)
    end)
    return results
  end })
end

--- Has no fencing: any worker that ever claimed an event can settle it.
function broken.no_fencing(store)
  local function newest(id, token)
    for _, entry in ipairs(store:list({ state = "claimed" }, { limit = 1000, after = id - 1 }) or {}) do
      if entry.id == id then return entry.token end
    end
    return token
  end
  local function unfenced(name)
    return function(_, id, token, ...)
      local holds, err = store[name](store, id, newest(id, token), ...)
      if holds == nil then return nil, err end
      return true
    end
  end
  return but(store, { extend = unfenced "extend", complete = unfenced "complete", retry = unfenced "retry",
    complete_all = false })
end

--- Claims without a lease: the next call returns the same event.
function broken.claims_without_a_lease(store)
  return but(store, {
    claim = function(_, limit) return store:claim(limit, 0.001) end,
    extend = function() return true end,
  })
end

--- Claims without an end: the events of a dead worker are never claimed again.
function broken.claims_for_ever(store)
  return but(store, { claim = function(_, limit) return store:claim(limit, 1e6) end })
end

-- Whether a key is known: a file with its name exists.
local function looks_up(settings, key)
  local path = ("%s/key-%s"):format(settings.directory, core.signature.sign(key, "key"))
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil, path
end

-- A copy of an event with a key that no store knows.
local function another(item)
  local copy = {}
  for name, value in pairs(item) do copy[name] = value end
  copy.key, copy.occurrence = item.key .. core.random(8), nil
  return copy
end

--- Checks whether an event is known, and then writes it: two processes can check at the same time.
function broken.dedupes_by_read_then_write(store, settings)
  return but(store, { put = function(_, items, window)
    local results = {}
    for i, item in ipairs(items) do
      local is_known, path = looks_up(settings, item.key)
      runtime.sleep(0.002)
      results[i] = not is_known
      if not is_known then
        assert(io.open(path, "w")):close()
        local ok, err = store:put({ another(item) }, window)
        if not ok then return nil, err end
      end
    end
    return results
  end })
end

--- Commits without a sync: acknowledged events can be lost in a power failure.
function broken.never_syncs(store)
  local connection = assert(require("DBI").Connect("SQLite3", ":memory:"))
  local of_connections = getmetatable(connection).__index
  local prepare = of_connections.prepare
  of_connections.prepare = function(self, sql)
    return prepare(self, (sql:gsub("synchronous = %u+", "synchronous = OFF")))
  end
  return store
end

return broken
