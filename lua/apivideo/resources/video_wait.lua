--- Waits until the status of a video meets a condition, and, if wanted, until its files are served.

local asset_probe = require "apivideo.resources.asset_probe"
local conditions = require "apivideo.util.conditions"
local errors = require "apivideo.error"
local runtime = require "apivideo.runtime"
local shared_poll = require "apivideo.resources.shared_poll"
local tables = require "apivideo.util.tables"

local TIMEOUT_S = 600 -- default
local LOST_MARGIN_S = 10 -- beyond the time limit of a call, after which a poll counts as lost

local video_wait = {}

---@class apivideo.WaitOptions
---@field timeout? number seconds, default 600
---@field cancel? apivideo.Cancellation ends the wait when it is cancelled
---@field probe? boolean default false; true: waits also until the files that the condition is about are served: the HLS manifest, or the MP4

-- The shared poll of a video's state, which exists while a task uses it.
local function poll_of(polls, client, videoId, key, fetch)
  local poll = polls[key]
  if not poll then
    poll = shared_poll.new(videoId, client._account().limits.total_timeout + LOST_MARGIN_S, fetch)
    polls[key] = poll
  end
  return poll
end

local function name_of(condition)
  return type(condition) == "string" and '"' .. condition .. '"' or "what its condition requires"
end

-- The error of a poll, for one of the waiting tasks: each gets a copy, with the last response.
local function copy_of(err)
  return errors.attach(errors.new(err.kind, err.message, err), "response", err.response)
end

---@class apivideo.VideoWait one wait
---@field id string
---@field condition apivideo.Condition
---@field seconds number
---@field ends number by the monotonic clock
---@field cancel? apivideo.Latch
---@field status_poll apivideo.SharedPoll

-- The error of a wait that ended: of a poll, or the reason why it ended. `lacks` is what the video lacks.
local function error_of(wait, poll, err, lacks)
  if err == "timeout" then
    local last = poll.err and "; the last poll failed: " .. poll.err.message or ""
    err = errors.new("timeout", ("the video %s is not %s after %.14g s: %s%s"):format(wait.id, name_of(wait.condition),
      wait.seconds, lacks or "its status is unknown", last), { origin = "client" })
  elseif err == "cancelled" then
    err = errors.new("cancelled", "the wait was cancelled")
  elseif err == poll.err then
    err = copy_of(err)
  end
  return errors.attach(err, "video_status", tables.copy(wait.status_poll.value))
end

local function wait_for_status(wait)
  local condition, poll = wait.condition, wait.status_poll
  local status, err = poll:wait(function(shared)
    local status = tables.copy(shared) -- other tasks wait with the same poll
    if conditions.is_met(condition, status) then return status end
    if not conditions.is_impossible(condition, status) then return nil end
    return nil, errors.new("encoding_failed", ("the video %s cannot become %s: %s"):format(wait.id,
      name_of(condition), conditions.progress(condition, status)))
  end, wait.ends, wait.cancel)
  if status then return status end
  return nil, error_of(wait, poll, err, poll.value and conditions.progress(condition, poll.value))
end

-- The files that a condition is about.
local function files_of(condition, status)
  if condition == "mp4" then return { "mp4" } end
  if condition == "all" and conditions.is_met("mp4", status) then return { "hls", "mp4" } end
  return { "hls" }
end

local function wait_for_file(wait, poll)
  local is_served, err = poll:wait(function(result) return not result.problem or nil end, wait.ends, wait.cancel)
  if is_served then return true end
  return nil, error_of(wait, poll, err, "it is encoded, but " .. (poll.value and poll.value.problem or "not served"))
end

--- Waits for a video.
---@param client apivideo.Client
---@param polls table<string, apivideo.SharedPoll> those of the client; weak
---@param id string
---@param condition apivideo.Condition
---@param options apivideo.WaitOptions
---@return apivideo.VideoStatus|nil status
---@return apivideo.Error? err
function video_wait.run(client, polls, id, condition, options)
  local seconds = options.timeout or TIMEOUT_S
  local wait = {
    id = id, condition = condition, seconds = seconds, ends = runtime.monotonic() + seconds,
    cancel = options.cancel and options.cancel.latch,
    status_poll = poll_of(polls, client, id, id, function()
      local status, err = client.videos:status(id, { retries = 0 })
      return status, err
    end),
  }
  local status, err = wait_for_status(wait)
  if not status or not options.probe then return status, err end
  for _, name in ipairs(files_of(condition, status)) do
    local poll = poll_of(polls, client, id, id .. " " .. name, function() return asset_probe.run(client, id, name) end)
    local is_served, problem = wait_for_file(wait, poll)
    if not is_served then return nil, problem end
  end
  return status
end

return video_wait
