--- Records the spans of a test: before_each(spans.start), after_each(spans.stop). Each span gets a traceparent whose
--- trace is that of its parent, and whose id is its number.

local apivideo = require "apivideo"

local spans = {}

local TRACE = "0af7651916cd43dd8448eb211c80319c"

--- The traceparent of the span with a number.
function spans.traceparent(number) return ("00-%s-%016x-01"):format(TRACE, number) end

--- Records spans in `spans.started` and `spans.ended`.
---@param more? { on_start?: function, on_end?: function } called before
function spans.start(more)
  more = more or {}
  local started, ended = {}, {}
  spans.started, spans.ended = started, ended
  apivideo.tracing {
    on_start = function(span)
      started[#started + 1] = span
      span.number = #started
      span.traceparent = spans.traceparent(#started)
      if more.on_start then more.on_start(span) end
    end,
    on_end = function(span)
      ended[#ended + 1] = span
      if more.on_end then more.on_end(span) end
    end,
  }
end

function spans.stop() apivideo.tracing(nil) end

--- The ended spans of a kind, in the order of their start.
---@param kind "server"|"consumer"|"client"
function spans.of(kind)
  local found = {}
  for _, span in ipairs(spans.ended) do
    if span.kind == kind then found[#found + 1] = span end
  end
  table.sort(found, function(a, b) return a.number < b.number end)
  return found
end

return spans
