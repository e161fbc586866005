--- What a webhook is to be: a url and event types.

local options = require "apivideo.options"
local redact = require "apivideo.redact"

local webhook = {}

--- What is wrong with the url or the event types of a webhook, or nil.
---@param item { url: string, events: table }
---@return string?
function webhook.problem(item)
  if next(item.events) == nil then
    return "option \"events\" must list at least one event type"
  elseif not options.is_list(item.events, "string") then
    return "option \"events\" must be a list of strings"
  elseif not item.url:find("^[hH][tT][tT][pP][sS]?://[^%s%c]+$") then
    return "option \"url\" must be an http or https URL"
  end
  return nil
end

--- Raises unless it is one.
---@param where string the function's name
---@param wanted any
---@param level integer as seen from here
function webhook.check(where, wanted, level)
  options.check(where, wanted, { url = "string", events = "table" }, level + 1)
  local problem = webhook.problem(wanted)
  if problem then error(where .. ": " .. problem, level) end
end

-- The event types, each once, in an order of their own.
local function types_of(events)
  local names, seen = {}, {}
  for _, name in ipairs(type(events) == "table" and events or {}) do
    if not seen[name] then names[#names + 1] = tostring(name) end
    seen[name] = true
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- `https://example.com/ (video.source.recorded)`, for people; also of one that lacks fields.
---@return string
function webhook.describe(item)
  return ("%s (%s)"):format(redact.text(tostring(item.url)), types_of(item.events))
end

--- What is the same for webhooks that send the same events to the same url.
---@return string
function webhook.key(item)
  return ("%s %s"):format(types_of(item.events), tostring(item.url))
end

--- Whether two webhooks send the same events to the same url.
---@return boolean
function webhook.equal(a, b)
  return webhook.key(a) == webhook.key(b)
end

return webhook
