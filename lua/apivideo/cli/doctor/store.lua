--- The check of the inbox that `--store` or APIVIDEO_STORE names.

local apivideo = require "apivideo"
local clients = require "apivideo.inbox.redis.clients"
local core = require "apivideo.core"
local health = require "apivideo.inbox.health"
local output = require "apivideo.cli.output"
local owner = require "apivideo.cli.doctor.owner"
local permissions = require "apivideo.inbox.redis.permissions"
local redis_options = require "apivideo.inbox.redis.options"
local remedies = require "apivideo.inbox.redis.remedies"
local shell = require "apivideo.util.shell"
local sqlite_remedies = require "apivideo.inbox.sqlite.remedies"
local stores = require "apivideo.cli.store"

local MIB = 1024 * 1024
local FREE_WARNING_BYTES, FREE_FAILURE_BYTES = 256 * MIB, 16 * MIB -- the log of SQLite alone may have 16 MiB
local MEMORY_WARNING_PERCENT = 90
local CREATE = "start the program that works on the inbox, which creates it, or correct --store"

local store = {}

-- A pause lasts until it is ended, also after a restart. `option` is the option --store as it was given, as text.
local function check_pauses(findings, stats, option)
  if stats.paused then findings:warn("the inbox is paused: events wait", "run: apivideo inbox resume" .. option) end
  for _, each in ipairs(stats.paused_types or {}) do
    local kind, cause = output.plain(each.type), each.probe_in and " after failures of their handlers" or ""
    findings:warn(("events of type %s are paused%s"):format(kind, cause),
      ("run: apivideo inbox resume%s --type %s"):format(option, shell.quote(kind)))
  end
end

-- Dead letters, events that no worker handles, and pauses.
local function check_events(findings, stats, activity, option)
  if stats.dead > 0 then
    findings:warn(stats.dead == 1 and "1 dead letter" or ("%d dead letters"):format(stats.dead),
      ("run: apivideo inbox list%s --state dead; after the cause is corrected: apivideo inbox redrive%s")
        :format(option, option))
  end
  if health.stall(stats, activity) then
    findings:warn(("events wait (%d), the oldest for %.0f s, and none is being handled"):format(stats.waiting,
      stats.oldest), "start a worker (inbox:work), or read the log of the workers")
  elseif stats.dead == 0 then
    findings:ok(("no dead letters; events that wait: %d"):format(stats.waiting))
  end
  check_pauses(findings, stats, option)
end

-- The name may be mistyped.
local function check_inbox_in_redis(findings, options, option)
  apivideo.log { level = "error" } -- of its settings, the findings tell
  local self = apivideo.inbox.redis(options)
  local exists, err = self:exists()
  if exists then
    findings:ok("it has the inbox " .. redis_options.name_of(options))
    local stats
    stats, err = self:stats()
    if stats then
      check_events(findings, stats, function() return (self:activity()) end, option)
    else
      findings:fail(err.message)
    end
  elseif err then
    findings:fail(err.message) -- with the remedy, if one is known
  else
    findings:fail(redis_options.problem_of_absence(options), stores.CREATE_IN_REDIS)
  end
  self:close()
end

--- Judges the free space of a file system.
---@param findings apivideo.cli.Findings
---@param bytes number
function store.check_space(findings, bytes)
  local text, remedy = ("%.0f MiB are free"):format(bytes / MIB), "free disk space: without it, deliveries are lost"
  if bytes < FREE_FAILURE_BYTES then return findings:fail(text, remedy) end
  if bytes < FREE_WARNING_BYTES then return findings:warn(text, remedy) end
  findings:ok(text)
end

local function check_mode(findings, path)
  local mode = core.file_mode(path)
  if mode % 4 >= 2 then -- write permission of others
    findings:warn(("other users can change %s (mode %04o)"):format(path, mode),
      "run: chmod o-w " .. shell.paths { path })
  else
    findings:ok(("%s, mode %04o"):format(path, mode))
  end
end

local function check_schema(findings, facts, path)
  if facts.kind == "other" then
    findings:fail("the file has tables of another application", "give the inbox a file of its own")
  elseif facts.kind == "empty" then
    findings:warn("the file is empty", CREATE)
  elseif facts.oldest > facts.newest then
    findings:fail(("this file has schema version %d, of a newer apivideo; this apivideo knows %d"):format(facts.version,
      facts.newest), "upgrade apivideo")
  elseif facts.version < facts.newest then
    findings:warn(("schema version %d; this apivideo makes it %d when it opens the file")
      :format(facts.version, facts.newest), "before that, with many entries: apivideo inbox migrate")
  else
    findings:ok(("schema version %d"):format(facts.version))
  end
  if facts.kind ~= "inbox" then return end
  if facts.journal_mode == "wal" then return findings:ok "journal mode wal" end
  local kind = core.network_file_system(path)
  if kind then return findings:warn(("journal mode %s, on the file system %s"):format(facts.journal_mode, kind),
    "use a local disk, or Redis for several machines") end
  findings:warn("journal mode " .. facts.journal_mode,
    "start the program that works on the inbox, which sets it to wal")
end

local function check_sqlite(findings, path, option)
  local problem, remedy = stores.sqlite_problem(path, CREATE)
  if problem then return findings:fail(problem, remedy) end
  check_mode(findings, path)
  store.check_space(findings, core.free_bytes(path) or 0)
  local sqlite = require "apivideo.inbox.sqlite.examine"
  if not sqlite.library() then return end -- the check of libraries has reported it
  local facts
  facts, problem = sqlite.file(path)
  if not facts then
    local owners
    remedy, owners = sqlite_remedies.of(path, problem, true)
    return findings:fail(("%s: %s%s"):format(path, problem, owners), remedy)
  end
  if not owner.check(findings, path) then findings:ok "it can be written" end
  check_schema(findings, facts, path)
  if facts.stats then check_events(findings, facts.stats, function() return facts.activity end, option) end
end

-- A user of the inbox alone may not ask for this setting.
local function check_sync(findings, append_fsync)
  if not append_fsync then
    findings:ok "appendfsync is not checked, because the user may not run CONFIG GET; it should be always"
  elseif append_fsync == "always" then
    findings:ok "appendfsync always"
  else
    findings:warn(("appendfsync %s: a power failure loses the last events, of %s, although the response was 204")
      :format(append_fsync, append_fsync == "everysec" and "about a second" or "about 30 seconds"),
      "set appendfsync always")
  end
end

-- When the memory is full, no event is stored.
local function check_memory(findings, percent, option)
  if percent == 0 then return end
  local text = ("%d %% of maxmemory is used"):format(percent)
  if percent < MEMORY_WARNING_PERCENT then return findings:ok(text) end
  findings[percent < 100 and "warn" or "fail"](findings, text .. ": without memory, deliveries are rejected with 503",
    ("raise maxmemory, or remove events: apivideo inbox purge%s --state done"):format(option))
end

-- The settings of a server that allows INFO.
local function check_settings(findings, facts, option)
  if facts.is_replica then
    findings:fail("it is a replica, which rejects what an inbox writes", "give the address of the primary")
  end
  if facts.has_append_only_file then
    findings:ok "appendonly yes"
    check_sync(findings, facts.append_fsync)
  else
    findings:warn(("appendonly no: events are lost when %s ends"):format(facts.product), "set appendonly yes")
  end
  if facts.memory_policy:find "^allkeys" then
    findings:warn(("maxmemory-policy %s: %s removes events when its memory is full"):format(facts.memory_policy,
      facts.product), "set maxmemory-policy noeviction")
  else
    findings:ok("maxmemory-policy " .. facts.memory_policy)
    check_memory(findings, facts.memory_percent, option)
  end
end

local function check_redis(findings, options, option)
  if clients.missing(options) then return end -- the check of libraries has reported it
  local examine = require "apivideo.inbox.redis.examine"
  local address = redis_options.address_of(options)
  local facts, problem = examine.server(options)
  if not facts then
    local text, remedy = remedies.of(options, problem)
    return findings:fail(("Redis (%s): %s"):format(address, text), remedy or "correct --store")
  end
  local name = ("%s (%s)"):format(facts.product, address)
  if facts.refusal then
    findings:warn(("%s does not allow INFO, so its settings are not checked"):format(name),
      permissions.line(options, "+info"))
  elseif (tonumber(facts.version:match "^%d+") or 0) < examine.MIN_MAJOR then
    return findings:fail(("%s is %s"):format(name, facts.version), "update it to 7.0 or newer")
  else
    findings:ok(("%s %s"):format(name, facts.version))
    check_settings(findings, facts, option)
  end
  -- A command that is missing would fail later, such as when an event is to be settled.
  if facts.missing[1] then return findings:fail(permissions.problem(options, facts.missing)) end
  findings:ok "the user may run all commands of the inbox"
  check_inbox_in_redis(findings, options, option)
end

--- Checks the inbox.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function store.check(context, findings)
  local place, option = context.place, stores.option_text(context.arguments.store)
  if context.place_problem then
    findings:fail(context.place_problem, "or unset the variable")
  elseif not place then
    findings:ok "not checked: neither --store nor APIVIDEO_STORE names one"
  elseif place.redis then
    check_redis(findings, place.redis, option)
  else
    check_sqlite(findings, place.sqlite, option)
  end
end

return store
