--- The options of a single call, which stand before the client's.

local cancellation = require "apivideo.runtime.cancellation"
local options = require "apivideo.util.options"

---@class apivideo.CallOptions
---@field timeout? number seconds for one attempt
---@field connect_timeout? number seconds for its connection
---@field total_timeout? number seconds for the call with all its attempts and waits
---@field retries? integer attempts after the first
---@field headers? table<string, string> more of them, by name
---@field cancel? apivideo.Cancellation ends the call when it is cancelled

local call_options = {}

local known = {
  timeout = "number?", connect_timeout = "number?", total_timeout = "number?", retries = "number?",
  headers = "table?", cancel = "table?",
}

-- Headers that this library writes itself.
local reserved = {
  ["authorization"] = "api_key or access_token", ["user-agent"] = "app",
  ["av-origin-client"] = "app or sdk", ["av-origin-app"] = "app", ["av-origin-sdk"] = "sdk",
  ["content-type"] = "body", ["content-length"] = "body", ["transfer-encoding"] = "body",
  ["host"] = "base_url", ["expect"] = "body", ["connection"] = "base_url",
}

-- The option to use instead of a header, or nil. ASCII only: string.lower follows the process's locale,
-- where the I of AUTHORIZATION may have no i.
local function replacement_of(name)
  return reserved[name:gsub("[A-Z]", function(letter) return string.char(letter:byte() + 32) end)]
end

local function check_headers(where, headers, level)
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not name:find("^[A-Za-z0-9!#$%%&'*+.^_`|~-]+$") then
      error(('%s: option "headers" must have names of headers as keys'):format(where), level)
    elseif replacement_of(name) then
      error(('%s: the header "%s" is written by the library; use %s'):format(where, name,
        replacement_of(name)), level)
    elseif type(value) ~= "string" or value:find("[%z\1-\31\127]") then
      error(('%s: header "%s" must be a string without control characters'):format(where, name), level)
    end
  end
end

--- Checks limits of time, retries and headers. Raises at a level as seen from here.
---@param where string
---@param given table
---@param level integer
function call_options.check_values(where, given, level)
  for _, name in ipairs { "timeout", "connect_timeout", "total_timeout" } do
    if given[name] and not (given[name] >= 0.001 and given[name] <= 86400) then
      error(('%s: option "%s" must be a number of seconds from 0.001 to 86400'):format(where, name), level)
    end
  end
  if given.retries and not (given.retries >= 0 and given.retries <= 100 and given.retries % 1 == 0) then
    error(('%s: option "retries" must be a whole number from 0 to 100'):format(where), level)
  end
  if given.headers then check_headers(where, given.headers, level + 1) end
end

local none = {} -- checked already, and there is nothing in it

--- Checks the options of a call.
---@param where string the function's name, for messages
---@param given? apivideo.CallOptions
---@param more? table<string, string> further options that the function has
---@param level? integer at which it raises, as seen from here; 3 (the caller's caller) without it
---@return apivideo.CallOptions
function call_options.check(where, given, more, level)
  if given == nil or given == none then return none end
  level = level or 3
  local names = known
  if more then
    names = {}
    for name, kind in pairs(known) do names[name] = kind end
    for name, kind in pairs(more) do names[name] = kind end
  end
  options.check(where, given, names, level + 1)
  call_options.check_values(where, given, level + 1)
  if given.cancel and not cancellation.is(given.cancel) then
    error(('%s: option "cancel" must come from apivideo.cancellation'):format(where), level)
  end
  return given
end

--- The options of a call alone, out of those of a function that has more.
---@param given table
---@return apivideo.CallOptions
function call_options.only(given)
  local own = {}
  for name in pairs(known) do own[name] = given[name] end
  return own
end

return call_options
