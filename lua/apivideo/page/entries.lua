--- Entries of the inbox as the page shows them. The inbox has redacted their errors.

local json = require "apivideo.util.json"
local parameters = require "apivideo.page.parameters"
local subject_of = require "apivideo.events.subject"
local utf8 = require "apivideo.util.utf8"

local ERROR_MAX_BYTES = 300 -- of a list
local GROUP_ERROR_MAX_BYTES = 120 -- of a group: what its errors begin with
local SCANNED_MAX, BATCH, GROUPS_MAX = 5000, 500, 50

local entries = {}

-- The message of an error, without the stack that the inbox has appended.
local function message_of(err, max_bytes)
  return err and utf8.shortened(err:match "^(.-); stack: " or err, max_bytes or math.huge)
end

local function summary(inbox, entry)
  local event = entry.event or {}
  local subject, detail = subject_of(event, inbox.events)
  return {
    id = entry.id, state = entry.state, type = entry.type or event.type, video_id = entry.video_id or event.videoId,
    subject = subject or entry.video_id, detail = entry.detail or detail,
    webhook_id = entry.webhook_id, attempt = entry.attempt,
    at_ms = parameters.milliseconds(entry.received_at), age = parameters.rounded(entry.age), origin = entry.origin,
    error = message_of(entry.error, ERROR_MAX_BYTES), size = #entry.raw, verified = entry.verified,
  }
end

---@param inbox apivideo.Inbox
---@param list apivideo.Entry[]
---@return table[]
function entries.summaries(inbox, list)
  local result = json.array {}
  for i, entry in ipairs(list) do result[i] = summary(inbox, entry) end
  return result
end

---@param inbox apivideo.Inbox
---@param entry apivideo.Entry
---@return table
function entries.details(inbox, entry)
  local result = summary(inbox, entry)
  result.error, result.attempts = entry.error, json.array {}
  for i, attempt in ipairs(entry.attempts or {}) do
    result.attempts[i] = {
      at_ms = parameters.milliseconds(attempt.at), seconds = attempt.seconds and parameters.rounded(attempt.seconds),
      worker = attempt.worker, error = message_of(attempt.error), traceback = attempt.traceback,
    }
  end
  return result
end

-- What the errors of a group begin with: a text that JSON can have, since it is the condition for them.
local function group_error(err)
  local text = message_of(err or "", GROUP_ERROR_MAX_BYTES)
  local repaired = utf8.repaired(text)
  return repaired == text and text or repaired:match "^(.-)\239\191\189"
end

-- Adds a dead letter to the group of its type and error. The newest comes first.
local function count_dead(groups, entry)
  local text = group_error(entry.error)
  local key = (entry.type or "") .. "\0" .. text
  local group = groups[key]
  if not group then
    group = { type = entry.type, error = text, count = 0, last_ms = parameters.milliseconds(entry.received_at) }
    groups[key], groups[#groups + 1] = group, group
  end
  group.count = group.count + 1
end

-- Visits the newest dead letters. Returns whether these were all; or nil and an error.
local function each_dead(inbox, visit)
  local after
  for _ = 1, SCANNED_MAX / BATCH do
    local list, err = inbox:_list_without_raw({ state = "dead" }, BATCH, after)
    if not list then return nil, err end
    for _, entry in ipairs(list) do visit(entry) end
    if #list < BATCH then return true end
    after = list[#list].id
  end
  return false
end

--- The newest dead letters by type and error, the largest groups first.
---@param inbox apivideo.Inbox
---@return { data: table[], is_complete: boolean }|nil
---@return apivideo.Error? err `store_unavailable`
function entries.dead_groups(inbox)
  local groups = {}
  local is_complete, err = each_dead(inbox, function(entry) count_dead(groups, entry) end)
  if is_complete == nil then return nil, err end
  local data = json.array {}
  table.sort(groups, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.last_ms > b.last_ms
  end)
  for i = 1, math.min(#groups, GROUPS_MAX) do data[i] = groups[i] end
  return { data = data, is_complete = is_complete and #groups <= GROUPS_MAX }
end

return entries
