-- Runs our parser on documents from standard input, each with its length before it: "12 {...}". Prints a line for
-- each: the kind, and the reason of a rejection.

local events = require "apivideo.events"
local parse = require("apivideo.core").event.compile(events.types)

while true do
  local size = io.read "n"
  if not size then break end
  io.read(1)
  local raw = size > 0 and io.read(size) or ""
  local event, kind, message = parse(raw)
  io.write(event and "event" or kind, "\t", message or "", "\n")
end
