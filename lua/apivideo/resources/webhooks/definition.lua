--- The definition of a webhook (its url and event types), and the order of webhooks with the same definition.

local ascii = require "apivideo.util.ascii"
local catalogue = require "apivideo.events"
local checks = require "apivideo.util.checks"
local derived = require "apivideo.events.derived"
local errors = require "apivideo.error"
local objects = require "apivideo.resources.objects"
local redact = require "apivideo.util.redact"
local registry = require "apivideo.events.registry"
local tables = require "apivideo.util.tables"
local timestamp = require("apivideo.core").timestamp
local unknown = require "apivideo.events.unknown"

local webhook = {}

--- Seconds for which a webhook and its replacement both deliver, by default: longer than api.video retries a
--- delivery, so that no delivery with the old secret is under way when the old webhook is deleted.
webhook.OVERLAP_S = 15

--- The kind of the option `overlap`.
webhook.OVERLAP_KIND = "seconds>=0<=86400?"

-- The first derived type of a list, or nil.
local function derived_of(events)
  for _, name in ipairs(events) do
    if derived.is(name) then return name end
  end
end

--- What is wrong with a name that is a pattern, or nil. A webhook of api.video has types only.
---@param name string
---@return string?
function webhook.pattern_problem(name)
  if not name:find("*", 1, true) then return nil end
  local types = registry.new(catalogue):known(name)
  if #types == 0 then types = catalogue:names() end
  return ("api.video sends events to a webhook by type, and accepts no pattern such as \"%s\"; list the types: %s")
    :format(redact.text(name), table.concat(types, ", "))
end

-- The problem of the first pattern of a list, or nil.
local function pattern_problem_of(events)
  for _, name in ipairs(events) do
    local problem = webhook.pattern_problem(name)
    if problem then return problem end
  end
end

--- What is wrong with the url or the event types of a webhook, or nil.
---@param item { url: string, events: table }
---@return string?
function webhook.problem(item)
  if next(item.events) == nil then
    return "option \"events\" must list at least one event type"
  elseif not checks.is_list(item.events, "string") then
    return "option \"events\" must be a list of strings"
  elseif derived_of(item.events) then
    return "option \"events\": " .. derived.refusal(derived_of(item.events)) .. "; use handlers:types()"
  elseif pattern_problem_of(item.events) then
    return "option \"events\": " .. pattern_problem_of(item.events)
  elseif not item.url:find("^[hH][tT][tT][pP][sS]?://[^%s%c]+$") then
    return "option \"url\" must be an http or https URL"
  end
  return nil
end

--- Raises an error unless a value is a definition.
---@param where string the function's name
---@param wanted any
---@param level integer at which it raises, as seen from here
function webhook.check(where, wanted, level)
  checks.options(where, wanted, { url = "string", events = "table" }, level + 1)
  local problem = webhook.problem(wanted)
  if problem then error(where .. ": " .. problem, level) end
end

--- Logs the event types of a valid definition that the catalogue does not have. They may be newer than this library, so
--- api.video decides.
---@param where string the function's name
---@param wanted { url: string, events: string[] }
---@param events? apivideo.Catalogue
function webhook.warn_of_unknown(where, wanted, events)
  events = events or catalogue
  for _, name in ipairs(wanted.events) do
    if not events.types[name] then unknown.warn(where, name, events, "it is sent to api.video anyway") end
  end
end

-- The event types, each once, sorted.
local function types_of(events)
  local names, seen = {}, {}
  for _, name in ipairs(type(events) == "table" and events or {}) do
    if not seen[name] then names[#names + 1] = tostring(name) end
    seen[name] = true
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- `https://example.com/ (video.source.recorded)`, for messages; the webhook may lack fields.
---@param item table
---@return string
function webhook.describe(item)
  return ("%s (%s)"):format(redact.text(tostring(item.url)), types_of(item.events))
end

-- Compares bytes: the operator < on strings depends on the locale.
local function comes_after(a, b)
  for i = 1, math.max(#a, #b) do
    local byte_a, byte_b = a:byte(i) or -1, b:byte(i) or -1
    if byte_a ~= byte_b then return byte_a > byte_b end
  end
  return false
end

local DEFAULT_PORTS = { http = "80", https = "443" }

--- The url in the normal form of RFC 3986, 6.2.2.1 and 6.2.3, because api.video may return a url in another form than
--- it was sent: scheme and host in lower case, no default port, and a path that is not empty.
---@param url any
---@return string
function webhook.normalize_url(url)
  url = tostring(url)
  local scheme, authority, rest = url:match("^([A-Za-z]+)://([^/?#]*)(.*)$")
  if not scheme then return url end
  scheme = ascii.lower(scheme)
  local userinfo, host = authority:match("^(.*@)(.*)$")
  host = ascii.lower(host or authority)
  local name, port = host:match("^(.*):(%d*)$")
  if name and (port == "" or port == DEFAULT_PORTS[scheme]) then host = name end
  if rest:sub(1, 1) ~= "/" then rest = "/" .. rest end
  return scheme .. "://" .. (userinfo or "") .. host .. rest
end

--- A string that is equal for webhooks that send the same events to the same url.
---@param item { url: string, events: string[] }
---@return string
function webhook.key(item)
  return ("%s %s"):format(types_of(item.events), webhook.normalize_url(item.url))
end

--- Whether two webhooks send the same events to the same url.
---@param a { url: string, events: string[] }
---@param b { url: string, events: string[] }
---@return boolean
function webhook.equal(a, b)
  return webhook.key(a) == webhook.key(b)
end

-- Whether api.video created another webhook than the wanted one. A field that is missing in its response proves
-- nothing.
local function differs(created, wanted)
  return not webhook.equal({
    url = type(created.url) == "string" and created.url or wanted.url,
    events = type(created.events) == "table" and created.events or wanted.events,
  }, wanted)
end

--- Deletes a webhook that was created but must not stay.
---@param webhooks apivideo.Webhooks
---@param created apivideo.Webhook
---@param limits apivideo.CallOptions
---@return string outcome for a message
---@return apivideo.Webhook? remaining the webhook, if it could not be deleted
function webhook.delete_again(webhooks, created, limits)
  local ok, err = webhooks:delete(created.webhookId, limits)
  if ok or err.kind == "not_found" then return "was deleted again" end
  return ("could not be deleted again (%s): delete it"):format(err.kind), created
end

--- Creates a webhook, and checks that it has the wanted definition. If not, it is deleted again: the next run would not
--- recognise it, and would create another one.
---@param webhooks apivideo.Webhooks
---@param wanted { url: string, events: string[] }
---@param limits apivideo.CallOptions
---@return apivideo.Webhook|nil created
---@return apivideo.Error? err with the `webhook` that api.video created instead, if it could not be deleted
---@return apivideo.Response? response not after an error
function webhook.create(webhooks, wanted, limits)
  local options = tables.merge({ allow_private = true }, limits) -- `sync` has checked it, or it exists
  local created, err, response = webhooks:create({ url = wanted.url, events = wanted.events }, options)
  if not created or not differs(created, wanted) then return created, err, response end
  local deletion, remaining = webhook.delete_again(webhooks, created, limits)
  err = objects.unexpected(webhooks._client, "POST", "/webhooks",
    ("api.video created %s instead of %s: write the definition as api.video does; the new webhook %s %s")
      :format(webhook.describe(created), webhook.describe(wanted), created.webhookId, deletion), response)
  return nil, errors.attach(err, "webhook", remaining)
end

--- Seconds since 1970 of `createdAt`, by api.video's clock; nil where it is missing or invalid.
---@param item apivideo.Webhook
---@return integer?
function webhook.created_at(item)
  return (timestamp(item.createdAt))
end

--- Whether a webhook is newer than an equal one. The order is the same for every client: by `createdAt`, which has
--- whole seconds, then by `webhookId`. A webhook is only deleted in favour of a newer equal one, so the newest one
--- stays even when several clients run at the same time.
---@param a apivideo.Webhook
---@param b apivideo.Webhook
---@return boolean? is_newer nil when a `createdAt` is missing or invalid
function webhook.is_newer(a, b)
  local created_a, created_b = webhook.created_at(a), webhook.created_at(b)
  if not (created_a and created_b) then return nil end
  if created_a ~= created_b then return created_a > created_b end
  return comes_after(a.webhookId, b.webhookId)
end

return webhook
