--- `apivideo resend`: sends deliveries again that `listen --save` or `inbox export` has written.

local assignments = require "apivideo.cli.assignments"
local events = require "apivideo.events"
local json = require "apivideo.util.json"
local outgoing = require "apivideo.events.outgoing"
local output = require "apivideo.cli.output"
local progress = require "apivideo.cli.progress"
local redact = require "apivideo.util.redact"
local relay = require "apivideo.cli.relay"
local saved_file = require "apivideo.cli.saved_file"
local secrets = require "apivideo.cli.secrets"
local selection = require "apivideo.cli.selection"
local times = require "apivideo.cli.times"
local url = require "apivideo.cli.url"

local UNAUTHORIZED = 401
local REJECTED = "The receiver verifies signatures with another secret: sign with that of its webhook, by --secret or"
  .. " --secret-file."
local SIGNATURE = "x-api-video-signature"

local resend = {}

--- Defines the subcommand.
---@param sub table of argparse
function resend.define(sub)
  sub:description("Sends the deliveries in a file of apivideo listen --save again: the original bytes and headers, with"
    .. " the original signature, or signed with --secret. Or those of apivideo inbox export, which have no signature,"
    .. " and are signed with --secret, or APIVIDEO_WEBHOOK_SECRET.")
  sub:argument("file", "The file; -: standard input."):argname "<file>"
  sub:option("--to", "The URL to send them to."):argname "<url>":convert(url.new "--to"):count(1)
  sub:option("--id", "Send only the delivery in this line of the file, or with this key; can be repeated.")
    :argname "<id>":count "*"
  sub:option("--type", "Send only events of this type, or of a pattern such as 'video.*'; can be repeated.")
    :argname "<type>":count "*"
  sub:option("--since", "Send only what was received since then: 2h (ago), 1d, or 2026-01-31T12:00:00Z.")
    :argname "<time>":convert(times.point "--since")
  sub:option("--before", "Send only what was received before that."):argname "<time>":convert(times.point "--before")
  local secret, file = secrets.define(sub, "The signatureSecret to sign with.")
  sub:mutex(secret, file)
  assignments.define(sub)
  sub:mutex(
    sub:option("--ca-file", "Certificates to trust instead of the system's, a PEM file."):argname "<file>",
    sub:flag("--insecure", "Accept any certificate of the server."))
  sub:option("--profile", "The account of this name in the file config.lua."):argname "<name>"
end

local function has_changes(arguments)
  return #arguments.set > 0 or #arguments.unset > 0
end

-- The function that selects deliveries by their types and times.
local function filter_of(arguments, types)
  local since, before = arguments.since, arguments.before
  return function(delivery)
    if #arguments.type > 0 and not (type(delivery.type) == "string" and types:has(delivery)) then return false end
    if (since or before) and not delivery.at then return false end
    return not (since and delivery.at < since or before and delivery.at >= before)
  end
end

-- What a line is about. The event of a rejected delivery may be forged.
local function label_of(delivery)
  return tostring(delivery.type or delivery.result == "rejected" and "not verified" or "not an event")
end

-- The secret to sign with; nil for the original signatures. A changed body and an entry of an inbox need one.
local function secret_of(arguments, chosen)
  if #arguments.secret + #arguments.secret_file > 1 then return nil, "only one --secret can sign" end
  local is_needed = chosen.has_entries or has_changes(arguments)
  if #arguments.secret + #arguments.secret_file == 0 and not is_needed then return nil end
  local list, problem = secrets.of(arguments)
  if problem then return nil, problem end
  if #list == 0 and chosen.has_entries then
    return nil, chosen.name .. ": an export of an inbox has no signatures; use --secret or --secret-file"
  elseif #list == 0 then
    return nil, "--set and --unset change the body, for which the original signature is not valid; use --secret or"
      .. " --secret-file"
  end
  return list[1]
end

-- The event of a delivery with the changes of --set and --unset, encoded; nil and a message if it is no event.
local function changed_body(arguments, body)
  local event = json.decode(body)
  if type(event) ~= "table" or type(event.type) ~= "string" then return nil, "the body is not an event" end
  local changed, problem = assignments.apply(event, arguments.set, arguments.unset)
  if not changed then return nil, problem end
  return outgoing.encode_fields(changed, events)
end

-- The request for a delivery.
local function request_of(arguments, delivery, secret)
  local body, headers = delivery.body, {}
  if has_changes(arguments) then
    local changed, problem = changed_body(arguments, body)
    if not changed then return nil, problem end
    body = changed
  end
  for name, value in pairs(delivery.headers) do headers[name] = value end
  if secret then headers[SIGNATURE] = outgoing.headers(body, nil, secret)["X-Api-Video-Signature"] end
  return { url = arguments.to, headers = headers, body = body, ca_file = arguments.ca_file,
    insecure = arguments.insecure }
end

local function print_sent(out, line, delivery, relayed)
  local is_delivered = relay.is_success(relayed)
  local state = is_delivered and "delivered" or "failed"
  out:print({
    line = line, key = delivery.key, type = delivery.type, url = redact.text(relayed.url), state = state,
    status = relayed.status, error = relayed.err and relayed.err.message, sent = relayed.sent,
    seconds = relayed.seconds,
  }, ("%s line %d  %s  %s"):format(out:paint(is_delivered and "green" or "red", state), line,
    output.plain(label_of(delivery)), output.describe_attempt(relayed)))
  return is_delivered
end

-- Sends the selected deliveries. Returns how many were delivered.
local function send_all(arguments, out, chosen, secret)
  local counter, delivered, sent, is_explained = progress.new "resending", 0, 0, false
  for line, delivery in chosen:each() do
    local request, problem = request_of(arguments, delivery, secret)
    if not request then return nil, ("%s: line %d: %s"):format(chosen.name, line, problem) end
    local relayed = relay.send(request)
    sent = sent + 1
    counter:finish()
    if print_sent(out, line, delivery, relayed) then delivered = delivered + 1 end
    if relayed.status == UNAUTHORIZED and not is_explained then
      out:note(REJECTED)
      is_explained = true
    end
    counter:update(sent, chosen.count)
  end
  counter:finish()
  if sent < chosen.count then return nil, arguments.file .. ": it was truncated while it was read" end
  return delivered
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function resend.run(arguments, out)
  local types, problem = selection.new(arguments.type, {}, "--type")
  if not types then return 2, problem end
  local chosen
  chosen, problem = saved_file.open(arguments.file, arguments.id, filter_of(arguments, types))
  if not chosen then return 1, problem end
  local secret
  secret, problem = secret_of(arguments, chosen)
  if problem then return 2, problem end
  local delivered
  delivered, problem = send_all(arguments, out, chosen, secret)
  if not delivered then return 1, problem end
  out:print({ delivered = delivered, failed = chosen.count - delivered },
    ("%d delivered, %d failed"):format(delivered, chosen.count - delivered))
  return delivered == chosen.count and 0 or 1
end

return resend
