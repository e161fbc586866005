--- `apivideo inbox show`: all that an inbox has of one entry.

local entries = require "apivideo.cli.inbox.entries"
local json_line = require "apivideo.cli.json_line"
local numbers = require "apivideo.cli.numbers"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"
local store = require "apivideo.cli.store"
local times = require "apivideo.cli.times"

local show = {}

--- Defines the subcommand.
function show.define(sub)
  sub:description("Prints one entry of an inbox: its event, its bytes, and its last attempts with their errors.")
  sub:argument("id", "As inbox list and the log print it."):convert(numbers.limit "ID")
  store.define(sub)
end

-- Lines that others wrote, such as a traceback, indented.
local function indented(text)
  local lines = {}
  for line in (redact.text(text) .. "\n"):gmatch "([^\n]*)\n" do
    lines[#lines + 1] = "      " .. output.plain((line:gsub("\t", "  ")))
  end
  return table.concat(lines, "\n")
end

-- The error of an attempt. In its text, the last call may follow, which the call stack has, too.
local function error_of(attempt)
  return attempt.traceback and attempt.error:gsub("; stack: .*$", "") or attempt.error
end

-- The places of a call stack. Lua names a function after any module that has it, which differs between processes; but
-- the name, without the module, is the only place of a function in C.
local function places_of(traceback)
  return traceback and traceback:gsub("(%S+): in ([^\n]*)", function(place, called)
    return place == "[C]" and place .. (called:match "[%w_]+'$" or "") or place
  end)
end

-- Adds the lines of an attempt, and its call stack unless the attempt before it has the same.
local function attempt_lines(lines, attempt, before)
  lines[#lines + 1] = ("  attempt at %s by %s, %s%s"):format(times.text(attempt.at), attempt.worker or "unknown",
    attempt.seconds and times.span(attempt.seconds) or "not ended", attempt.seconds and not attempt.error
    and ", succeeded" or "")
  if attempt.error then lines[#lines + 1] = indented(error_of(attempt)) end
  if not attempt.traceback then return end
  local is_same = before and places_of(before.traceback) == places_of(attempt.traceback)
  lines[#lines + 1] = is_same and "      the call stack is the same" or indented(attempt.traceback)
end

-- The entry as lines for a terminal.
local function text_of(out, entry)
  local lines = { entries.line(out, entry) }
  local function add(name, value)
    if value ~= nil and value ~= "" then
      lines[#lines + 1] = ("  %-9s %s"):format(name, output.plain(tostring(value)))
    end
  end
  add("received", times.text(entry.received_at) .. ", " .. times.span(entry.age) .. " ago")
  add("origin", entry.origin .. (entry.verified and ", verified" or ", not verified"))
  add("webhook", entry.webhook_id)
  add("event", entry.event and json_line.encode(entry.event))
  add("raw", entry.raw)
  local attempts = entry.attempts or {}
  for i, attempt in ipairs(attempts) do attempt_lines(lines, attempt, attempts[i - 1]) end
  return table.concat(lines, "\n")
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function show.run(arguments, out)
  return store.with(arguments, function(inbox)
    local entry, err = inbox:get(arguments.id)
    if not entry then return 1, err end
    out:print(entries.record(entry), text_of(out, entry))
    return 0
  end)
end

return show
