--- How entries of an inbox are printed.

local core = require "apivideo.core"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"
local times = require "apivideo.cli.times"

local ERROR_MAX_BYTES = 200 -- in a line
local COLOURS = { dead = "red", done = "dim" }

local entries = {}

--- The record of an entry, for programs. Bytes that are not UTF-8 are in `raw_base64`.
---@param entry apivideo.Entry
---@return table
function entries.record(entry)
  local record = {
    id = entry.id, state = entry.state, type = entry.type, videoId = entry.video_id, webhookId = entry.webhook_id,
    received_at = entry.received_at, age = entry.age, attempt = entry.attempt, origin = entry.origin,
    verified = entry.verified, error = entry.error, event = entry.event, attempts = entry.attempts,
  }
  if not entry.event and entry.raw and entry.raw ~= "" then record.raw_base64 = core.base64(entry.raw) end
  return record
end

-- What an entry is about: its event, or else what the store has of it.
local function description(entry)
  if entry.event then return output.describe_event(entry.event) end
  local parts = { entry.type or "not an event", entry.video_id and "videoId=" .. entry.video_id }
  return output.plain(table.concat(parts, " "))
end

--- An entry in one line: id, state, when it was received, attempts, event and error.
---@param out apivideo.cli.Output
---@param entry apivideo.Entry
---@return string
function entries.line(out, entry)
  local state = ("%-7s"):format(entry.state)
  local colour = COLOURS[entry.state]
  local text = ("%8.0f  %s  %s  %2d  %s"):format(entry.id, colour and out:paint(colour, state) or state,
    times.text(entry.received_at), entry.attempt, description(entry))
  -- The error of an entry that is done is that of an attempt before the last one, which succeeded.
  if not entry.error or entry.state == "done" then return text end
  local message = output.plain(redact.text(entry.error))
  return ("%s  %s"):format(text, out:paint("red", message:sub(1, ERROR_MAX_BYTES)))
end

return entries
