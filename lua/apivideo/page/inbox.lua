--- The part of the page's API for the inbox.

local entries = require "apivideo.page.entries"
local failure = require "apivideo.util.failure"
local json = require "apivideo.util.json"
local parameters = require "apivideo.page.parameters"
local responses = require "apivideo.page.responses"

local LIST_DEFAULT, LIST_MAX = 50, 500
local TIMELINE_MAX = 500
local ACTIVITY_S, STEP_S = 3600, 60

local function respond_failed(err)
  return responses.error(err.kind == "not_found" and 404 or 503, failure.message(err), err.kind)
end

local function with_inbox(respond)
  return function(page, incoming, ...)
    if not page._inbox then return responses.error(404, "the page has no inbox", "not_found") end
    return respond(page._inbox, incoming, page, ...)
  end
end

local function paused_types(stats)
  local list = json.array {}
  for i, each in ipairs(stats.paused_types or {}) do
    list[i] = { type = each.type, reason = each.reason, probe_in = each.probe_in and parameters.rounded(each.probe_in) }
  end
  return list
end

local function get_stats(inbox)
  local stats, err = inbox:stats()
  if not stats then return respond_failed(err) end
  return responses.json(200, {
    waiting = stats.waiting, claimed = stats.claimed, dead = stats.dead, done = stats.done, paused = stats.paused,
    oldest = stats.oldest and parameters.rounded(stats.oldest), attempts = stats.attempts, spooled = stats.spooled,
    paused_types = paused_types(stats), error = stats.error and failure.message(stats.error),
  })
end

-- What happened in the last hour, for the plots.
local function get_activity(inbox)
  local steps, err = inbox:activity { seconds = ACTIVITY_S, step = STEP_S }
  if not steps then return respond_failed(err) end
  local data = json.array {}
  for i, step in ipairs(steps) do
    data[i] = { at_ms = parameters.milliseconds(step.at), received = step.received, handled = step.handled,
      failed = step.failed, latency = step.latency and parameters.rounded(step.latency) }
  end
  return responses.json(200, { step = STEP_S, data = data })
end

local function list(inbox, incoming)
  local query = incoming.query
  local filter, problem = parameters.filter(query)
  if not filter then return responses.error(400, problem) end
  local limit = math.max(1, math.min(parameters.number(query.limit, LIST_DEFAULT), LIST_MAX))
  local found, err = inbox:list(filter, { limit = limit, newest = true, after = parameters.number(query.after) })
  if not found then return respond_failed(err) end
  return responses.json(200, { data = entries.summaries(inbox, found) })
end

-- The events of a video, oldest first.
local function get_timeline(inbox, _, _, text)
  local video_id = parameters.decoded(text)
  local found, err = inbox:list({ video_id = video_id }, { limit = TIMELINE_MAX })
  if not found then return respond_failed(err) end
  return responses.json(200, { data = entries.summaries(inbox, found) })
end

local function with_entry(respond)
  return with_inbox(function(inbox, _, _, id)
    local number = parameters.number(id)
    if not number or number < 1 then return responses.error(404, "no entry has this id", "not_found") end
    local entry, err = inbox:get(number)
    if not entry then return respond_failed(err) end
    return respond(inbox, entry)
  end)
end

local function get_entry(inbox, entry)
  return responses.json(200, entries.details(inbox, entry))
end

local function get_body(_, entry)
  return responses.bytes(entry.raw)
end

local function get_dead(inbox)
  local groups, err = entries.dead_groups(inbox)
  if not groups then return respond_failed(err) end
  return responses.json(200, groups)
end

-- Without parameters: all dead letters. An empty parameter is an error, so that a mistake does not redrive all.
local function redrive(inbox, incoming)
  local filter, problem = parameters.filter(incoming.query)
  for name, value in pairs(incoming.query) do
    if value == "" then problem = "the parameter " .. name .. " is empty" end
  end
  if problem then return responses.error(400, problem) end
  if filter.state and filter.state ~= "dead" then return responses.error(400, "only dead letters can be redriven") end
  local count, err = inbox:redrive(filter, { dry_run = incoming.query.dry_run == "1" })
  if not count then return respond_failed(err) end
  return responses.json(200, { count = count })
end

-- An empty type is an error, so that a mistake does not concern the whole inbox.
local function set_paused(method)
  return function(inbox, incoming)
    local type = incoming.query.type
    if type == "" then return responses.error(400, "the parameter type is empty") end
    local ok, err = inbox[method](inbox, { type = type })
    if not ok then return respond_failed(err) end
    return responses.json(200, { paused = method == "pause" })
  end
end

--- Routes, as in deliveries.lua.
return {
  { "GET", "^inbox$", with_inbox(get_stats) },
  { "GET", "^inbox/activity$", with_inbox(get_activity) },
  { "GET", "^inbox/dead$", with_inbox(get_dead) },
  { "GET", "^inbox/entries$", with_inbox(list) },
  { "GET", "^inbox/entries/(%d+)$", with_entry(get_entry) },
  { "GET", "^inbox/entries/(%d+)/body$", with_entry(get_body) },
  { "GET", "^inbox/videos/([^/]+)$", with_inbox(get_timeline) },
  { "POST", "^inbox/redrive$", with_inbox(redrive) },
  { "POST", "^inbox/pause$", with_inbox(set_paused "pause") },
  { "POST", "^inbox/resume$", with_inbox(set_paused "resume") },
}
