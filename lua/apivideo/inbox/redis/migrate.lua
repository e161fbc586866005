--- Migrates the keys of a Redis store online: each call looks at a thousand entries, and other processes, of earlier
--- versions too, receive and handle events between the calls.

local errors = require "apivideo.error"
local redis_options = require "apivideo.inbox.redis.options"
local runtime = require "apivideo.runtime"
local script_runner = require "apivideo.inbox.redis.script_runner"

local BATCH = 1000
local STEP = "the types of entries"

local migrate = {}

-- Sets the types of all entries. Their number; or nil and an error.
local function fill_types(runner, options)
  local count, after = 0, "0"
  repeat
    local reply, err = runner:call("fill_types", { after, ("%d"):format(BATCH), options.dry_run and "1" or "0" })
    if not reply then return nil, err end
    after, count = reply[1], count + reply[2]
    if options.on_progress then options.on_progress(count) end
  until after == ""
  return count
end

--- Migrates the keys of a store.
---@param store apivideo.RedisOptions
---@param options { dry_run?: boolean, on_progress?: fun(count: integer) } with the number of completed entries
---@return apivideo.inbox.Migration|nil
---@return apivideo.Error? err
function migrate.run(store, options)
  local address = redis_options.address_of(store)
  local runner, began = script_runner.new(store, address), runtime.monotonic()
  local versions, err = runner:call("versions", {})
  local count
  if versions and versions[1] == 0 then
    err = errors.new("store_unavailable", ("Redis (%s) has no inbox of this name, or an empty one"):format(address),
      { origin = "redis" })
  elseif versions then
    local is_set = true
    if not options.dry_run then is_set, err = runner:call("set_version", {}) end
    if is_set then count, err = fill_types(runner, options) end
  end
  runner:close()
  if not count then return nil, err end
  return {
    from = versions[1], to = versions[2], filled = count, seconds = runtime.monotonic() - began, steps = { STEP },
  }
end

return migrate
