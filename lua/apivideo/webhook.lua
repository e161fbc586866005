--- What a webhook is to be: a url and event types.

local options = require "apivideo.options"
local redact = require "apivideo.redact"

local webhook = {}

--- Raises unless it is one.
---@param where string the function's name
---@param wanted any
---@param level integer as seen from here
function webhook.check(where, wanted, level)
  options.check(where, wanted, { url = "string", events = "table" }, level + 1)
  if next(wanted.events) == nil then
    error(where .. ": option \"events\" must list at least one event type", level)
  elseif not options.is_list(wanted.events, "string") then
    error(where .. ": option \"events\" must be a list of strings", level)
  end
  if not wanted.url:find("^[hH][tT][tT][pP][sS]?://[^%s%c]+$") then
    error(where .. ": option \"url\" must be an http or https URL", level)
  end
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
