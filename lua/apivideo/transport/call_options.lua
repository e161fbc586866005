--- The options of a single call, which take precedence over the client's.

local ascii = require "apivideo.util.ascii"
local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local tables = require "apivideo.util.tables"
local traceparent = require "apivideo.runtime.traceparent"

---@class apivideo.CallOptions
---@field timeout? number seconds for one attempt
---@field connect_timeout? number seconds for its connection
---@field total_timeout? number seconds for the call with all its attempts and waits
---@field retries? integer attempts after the first
---@field headers? table<string, string> additional headers, by name
---@field cancel? apivideo.Cancellation ends the call when it is cancelled
---@field traceparent? string the header traceparent of W3C Trace Context; default: that of the current span, see `apivideo.tracing`

local call_options = {}

--- The kinds of the options that a client has, too.
call_options.KINDS = {
  timeout = "seconds>=0.001<=86400?", connect_timeout = "seconds>=0.001<=86400?",
  total_timeout = "seconds>=0.001<=86400?", retries = "integer>=0<=100?", headers = "table?",
}

local known = tables.merge(call_options.KINDS, { cancel = "table?", traceparent = "string?" })

-- Headers that this library sets -> the option to use instead.
local reserved = {
  ["authorization"] = "api_key or access_token", ["user-agent"] = "app",
  ["av-origin-client"] = "app or sdk", ["av-origin-app"] = "app", ["av-origin-sdk"] = "sdk",
  ["content-type"] = "body", ["content-length"] = "body", ["transfer-encoding"] = "body",
  ["traceparent"] = "traceparent of the call", ["host"] = "base_url", ["expect"] = "body", ["connection"] = "base_url",
}

--- What is wrong with the option `headers`, or nil. The message does not contain the name of an invalid header: it may
--- be a whole header line with a secret.
---@param headers table
---@return string?
function call_options.headers_problem(headers)
  for name, value in pairs(headers) do
    if type(name) ~= "string" or not name:find("^[A-Za-z0-9!#$%%&'*+.^_`|~-]+$") then
      return 'option "headers" must have header names as keys'
    end
    local replacement = reserved[ascii.lower(name)]
    if replacement then
      return ('the header "%s" is set by the library; use the option %s'):format(name, replacement)
    elseif type(value) ~= "string" or value:find("[%z\1-\31\127]") then
      return ('header "%s" must be a string without control characters'):format(name)
    end
  end
  return nil
end

local none = {} -- stands for no options; it is valid, so it is not checked again

--- Checks the options of a call.
---@param where string the function's name, for messages
---@param options? apivideo.CallOptions
---@param more? table<string, string> further options of the function, name -> kind
---@param level? integer at which it raises, as seen from here; default 3, the caller's caller
---@return apivideo.CallOptions
function call_options.check(where, options, more, level)
  if options == nil or options == none then return none end
  level = level or 3
  checks.options(where, options, more and tables.merge(known, more) or known, level + 1)
  cancellation.check(where, options.cancel, level + 1)
  local problem = options.headers and call_options.headers_problem(options.headers)
  if options.traceparent and not traceparent.is_valid(options.traceparent) then
    problem = 'option "traceparent" must be like ' .. traceparent.EXAMPLE
  end
  if problem then error(where .. ": " .. problem, level) end
  return options
end

--- The options of a call, without those that only the function has.
---@param options table
---@return apivideo.CallOptions
function call_options.only(options)
  local own = {}
  for name in pairs(known) do own[name] = options[name] end
  return own
end

return call_options
