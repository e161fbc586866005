--- The filters of operators: which entries of an inbox they mean. This is the one place that knows the conditions;
--- stores get them compiled.

local checks = require "apivideo.util.checks"

---@class apivideo.InboxFilter all conditions must apply; an empty one matches every entry
---@field id? integer
---@field state? apivideo.EntryState
---@field type? string the type of the event, or a pattern such as `video.*`
---@field webhook_id? string
---@field video_id? string
---@field lane? string
---@field error? string a text that the last error contains
---@field since? number seconds since 1970: received then or later
---@field before? number seconds since 1970: received earlier

local KINDS = { id = "integer>=1?", state = "string?", type = "string?", webhook_id = "string?", video_id = "string?",
  lane = "string?", error = "string?", since = "number?", before = "number?" }

local STATES = { waiting = true, claimed = true, dead = true, done = true }

---@class apivideo.inbox.Conditions a filter as stores get it
---@field id? integer
---@field state? apivideo.EntryState
---@field type? string
---@field type_prefix? string in place of `type`: `video.` of the pattern `video.*`
---@field webhook_id? string
---@field video_id? string
---@field lane? string as `store.digest` returns it
---@field error? string
---@field since? number
---@field before? number
---@field ended_for? number seconds for which it has been done or dead, at least
---@field has_raw? true with its bytes

local digest = require("apivideo.inbox.store").digest
local pattern = require "apivideo.inbox.pattern"

local filter = {}

--- Checks a filter. Raises at a level, as seen from here.
---@param where string the function's name
---@param wanted any
---@param level integer
---@return apivideo.inbox.Conditions
function filter.compile(where, wanted, level)
  wanted = checks.options(where .. ": filter", wanted or {}, KINDS, level + 1)
  local compiled = {}
  for name in pairs(KINDS) do compiled[name] = wanted[name] end
  local state = wanted.state
  if state and not STATES[state] then
    error(('%s: filter: state must be waiting, claimed, dead or done, got "%s"'):format(where, state), level)
  end
  for _, name in ipairs { "since", "before" } do
    local time = wanted[name]
    if time and (time ~= time or math.abs(time) == math.huge) then -- Redis gets it in JSON, which has no such number
      error(("%s: filter: %s must be a finite number"):format(where, name), level)
    end
  end
  local prefix = wanted.type and pattern.prefix_of(wanted.type)
  if prefix then compiled.type, compiled.type_prefix = nil, prefix end
  compiled.lane = digest(wanted.lane)
  return compiled
end

-- Whether the type of an entry matches.
local function has_type(where, entry)
  if where.type then return entry.type == where.type end
  local prefix = where.type_prefix
  return not prefix or entry.type ~= nil and entry.type:sub(1, #prefix) == prefix
end

--- Whether an entry matches all conditions but the last two, for stores that have no language of their own.
---@param where apivideo.inbox.Conditions
---@param entry table with the fields of the conditions
---@param state apivideo.EntryState of the entry
---@return boolean
function filter.matches(where, entry, state)
  for _, name in ipairs { "id", "webhook_id", "video_id", "lane" } do
    if where[name] ~= nil and where[name] ~= entry[name] then return false end
  end
  return (where.state == nil or where.state == state)
    and has_type(where, entry)
    and (where.error == nil or entry.error ~= nil and entry.error:find(where.error, 1, true) ~= nil)
    and (where.since == nil or entry.received_at >= where.since)
    and (where.before == nil or entry.received_at < where.before)
end

return filter
