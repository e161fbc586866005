--- Prints the deliveries of `apivideo listen`.

local core = require "apivideo.core"
local date = require "apivideo.util.date"
local headers = require "apivideo.util.headers"
local output = require "apivideo.cli.output"
local redact = require "apivideo.util.redact"
local relay = require "apivideo.cli.relay"
local utf8 = require "apivideo.util.utf8"

local RESPONSE_MAX_BYTES = 200 -- of a failed forward, in a line

local HIDDEN = { authorization = true, ["proxy-authorization"] = true, cookie = true }
local INDENT = "         " -- the width of the time

local printing = {}

-- The event, or why the delivery was rejected.
local function describe(outcome)
  if not outcome.err then return output.describe_event(outcome.event) end
  return output.plain(("%s: %s"):format(outcome.err.kind, outcome.err.message))
end

local function milliseconds(seconds)
  return ("%.2f ms"):format(seconds * 1000)
end

-- What the other server responded: its body says why it failed.
local function describe_forward(out, forwarded, is_verbose)
  local is_success = relay.is_success(forwarded)
  local text = output.describe_attempt(forwarded)
  local body = forwarded.body or ""
  if body ~= "" and (is_verbose or not is_success) then
    text = text .. ": " .. (is_verbose and body or body:sub(1, RESPONSE_MAX_BYTES))
  end
  local result = out:paint(is_success and "green" or "red", is_success and "forwarded" or "not forwarded")
  return INDENT .. result .. " " .. output.plain(text)
end

-- The headers without credentials. (A signature can stay: it is valid for this body only.)
local function shown_headers(list)
  local shown = {}
  for name, value in pairs(list) do shown[name] = HIDDEN[name] and "***" or value end
  return shown
end

local function header_lines(list)
  local lines = {}
  for i, line in ipairs(headers.sorted(shown_headers(list))) do lines[i] = INDENT .. output.plain(line) end
  return table.concat(lines, "\n")
end

-- The body, with its newlines, but without other control characters.
local function body_lines(body)
  local lines = {}
  for line in (body .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = INDENT .. output.plain(line) end
  return table.concat(lines, "\n")
end

local function line_of(out, exchange, is_verbose)
  local outcome = exchange.outcome
  local lines = { ("%s %s %d  %s  %s"):format(out:paint("dim", os.date("%H:%M:%S", math.floor(exchange.at))),
    out:paint(outcome.err and "red" or "green", exchange.result), exchange.status, describe(outcome),
    out:paint("dim", milliseconds(outcome.seconds))) }
  if exchange.forwarded then lines[2] = describe_forward(out, exchange.forwarded, is_verbose) end
  if is_verbose then
    lines[#lines + 1] = header_lines(exchange.request.headers)
    lines[#lines + 1] = body_lines(exchange.request.body)
  end
  return table.concat(lines, "\n")
end

-- The body as text, or in base64 if it is not UTF-8.
local function add_request(record, request)
  record.headers = shown_headers(request.headers)
  if utf8.repaired(request.body) == request.body then
    record.body = request.body
  else
    record.body_base64 = core.base64(request.body)
  end
end

local function forward_record(forwarded)
  return forwarded and { url = redact.text(forwarded.url), status = forwarded.status, seconds = forwarded.seconds,
    error = forwarded.err and forwarded.err.message, sent = forwarded.sent }
end

local function record_of(exchange, is_verbose)
  local outcome = exchange.outcome
  local record = { time = date(exchange.at), result = exchange.result, status = exchange.status,
    seconds = outcome.seconds, forwarded = forward_record(exchange.forwarded) }
  if outcome.err then
    record.kind, record.error = outcome.err.kind, outcome.err.message
  else
    record.event, record.webhookId = outcome.event, outcome.delivery.webhook_id
  end
  if is_verbose then add_request(record, exchange.request) end
  return record
end

-- Whether something went wrong.
local function is_problem(exchange)
  return exchange.outcome.err ~= nil or exchange.forwarded ~= nil and not relay.is_success(exchange.forwarded)
end

--- Creates the hook that prints.
---@param arguments table
---@param out apivideo.cli.Output
---@return fun(exchange: apivideo.cli.listen.Exchange)
function printing.new(arguments, out)
  return function(exchange)
    if not exchange.is_selected or arguments.quiet and not is_problem(exchange) then return end
    out:print(record_of(exchange, arguments.verbose), line_of(out, exchange, arguments.verbose))
  end
end

--- Prints the counts at the end.
---@param out apivideo.cli.Output
---@param counts apivideo.cli.listen.Counts
function printing.summary(out, counts)
  local parts = { ("%d accepted, %d rejected"):format(counts.verified + counts.unsigned, counts.rejected) }
  if counts.not_selected > 0 then parts[#parts + 1] = ("%d not selected"):format(counts.not_selected) end
  if counts.not_forwarded > 0 then parts[#parts + 1] = ("%d not forwarded"):format(counts.not_forwarded) end
  out:print(counts, table.concat(parts, ", "))
end

return printing
