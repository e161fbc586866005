--- The parameters of requests to the page's API.

local url = require "apivideo.util.url"

local DIGITS_MAX = 15 -- whole numbers are exact
local STATES = { waiting = true, claimed = true, dead = true, done = true }
local TEXTS = { "type", "video_id", "webhook_id", "error" }

local parameters = {}

--- A whole number; the default for anything else.
---@param text any
---@param default? integer
---@return integer?
function parameters.number(text, default)
  local digits = type(text) == "string" and #text <= DIGITS_MAX and text:match "^%d+$"
  return digits and tonumber(digits) or default
end

--- A number with three decimals, so that few digits are written.
---@param number number
---@return number
function parameters.rounded(number)
  return math.floor(number * 1000 + 0.5) / 1000
end

--- Seconds as whole milliseconds.
---@param seconds number
---@return integer
function parameters.milliseconds(seconds)
  return math.floor(seconds * 1000 + 0.5)
end

--- A part of a path without its escapes.
---@param text string
---@return string
function parameters.decoded(text)
  return url.decode_query("x=" .. text:gsub("+", "%%2B"):gsub("&", "%%26")).x
end

--- The filter of the inbox that a query describes; nil and why it is invalid.
---@param query table<string, string|string[]>
---@return apivideo.InboxFilter? filter
---@return string? problem
function parameters.filter(query)
  local filter = {}
  for _, name in ipairs(TEXTS) do
    local value = query[name]
    if value ~= nil and type(value) ~= "string" then return nil, "the parameter " .. name .. " is repeated" end
    if value ~= "" then filter[name] = value end
  end
  if query.state ~= nil and query.state ~= "" then
    if not STATES[query.state] then return nil, "the parameter state must be waiting, claimed, dead or done" end
    filter.state = query.state
  end
  if query.id ~= nil then
    filter.id = parameters.number(query.id)
    if not filter.id or filter.id < 1 then return nil, "the parameter id must be a whole number" end
  end
  return filter
end

return parameters
