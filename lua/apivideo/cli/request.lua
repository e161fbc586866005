--- `apivideo request`: calls any endpoint of the API.

local account = require "apivideo.cli.account"
local body = require "apivideo.cli.body"
local headers = require "apivideo.util.headers"
local json = require "apivideo.util.json"
local json_line = require "apivideo.cli.json_line"
local output = require "apivideo.cli.output"
local url = require "apivideo.util.url"

local WITHOUT_BODY = { GET = true, HEAD = true }

local request = {}

local function method(text)
  if text:find "^%a+$" then return text:upper() end
  return nil, ("<method> must be such as GET, got '%s'; write, for example: apivideo request GET /videos"):format(text)
end

local function path(text)
  if text:find "^/[^%s%c#]*$" then return text end
  return nil, ("<path> must begin with / and have no host, got '%s'; write, for example: apivideo request GET /videos")
    :format(text)
end

--- Defines the subcommand.
---@param sub table of argparse
function request.define(sub)
  sub:description("Calls an endpoint of the API, and prints the body of the response as JSON, with the secrets in it."
    .. " A request that may have been processed is repeated only if its method is GET, HEAD or DELETE, and each"
    .. " repetition is reported. Exit status: 1 if the response is an error; then --json and --raw print its body,"
    .. " too.")
  sub:argument("method", "GET, POST, PUT, PATCH, DELETE."):convert(method)
  sub:argument("path", "Such as /videos; may have a query."):convert(path)
  sub:option("--query", "A parameter; can be repeated. A list: --query tags[]=a --query tags[]=b")
    :argname "<name=value>":count "*"
  sub:option("--data", "The body: JSON, @file for that of a file, or - for standard input."):argname "<json>"
  sub:flag("--raw", "Print the body as it is.")
  account.define(sub)
end

-- Adds a parameter to a query; returns what is wrong with it.
local function add(query, name, value)
  local list_name = name:match "^(.*)%[%]$"
  if list_name then
    query[list_name] = query[list_name] or {}
    table.insert(query[list_name], value)
  elseif query[name] then
    return ("the parameter %s has two values; a list is %s[]=…"):format(name, name)
  else
    query[name] = value
  end
end

-- The path without its query, and the parameters of both; nil and what is wrong with them.
local function target_of(arguments)
  local bare_path, text = url.split(arguments.path)
  local query, problem = {}, nil
  for name, values in pairs(url.decode_query(text)) do
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      problem = problem or add(query, name, value)
    end
  end
  for _, parameter in ipairs(arguments.query) do
    local name, value = parameter:match "^([^=]+)=(.*)$"
    if not name then return nil, ("--query must have the form name=value, got '%s'"):format(parameter) end
    problem = problem or add(query, name, value)
  end
  if problem then return nil, problem end
  return bare_path, query
end

-- The text of --data; nil without it, or nil and what is wrong with it.
local function body_of(arguments)
  local data = arguments.data
  if not data then return nil end
  if WITHOUT_BODY[arguments.method] then return nil, "--data needs a method with a body, such as POST" end
  local text, problem = body.of_option(data)
  if not text then return nil, "--data: " .. problem end
  local value
  value, problem = json.decode(text)
  if value == nil then return nil, ("--data must be JSON: %s"):format(problem) end
  return text
end

-- Prints the body of a response. Returns what is wrong with it, if it is not JSON.
local function print_body(arguments, out, response)
  local text = response.body
  if arguments.raw then return output.write(text) end
  if text == "" then return out:note(("%d, without a body"):format(response.status)) end
  local value, problem = json.decode(text)
  if value ~= nil then return out:print(value, json_line.indented(value)) end
  return ("the response body is not JSON (%s, %s); print it with --raw"):format(
    headers.get(response.headers, "content-type") or "no content type", problem)
end

-- Hooks that report the attempts after the first one: a request that changes something must not be repeated silently.
local function reports()
  local reason
  return {
    on_request = function(observed)
      if observed.attempt == 1 then return end
      output.warn(("attempt %d of %s %s, after: %s"):format(observed.attempt, observed.method, observed.url, reason))
    end,
    on_response = function(observed) reason = observed.status or observed.err.message end,
  }
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function request.run(arguments, out)
  local bare_path, query = target_of(arguments)
  if not bare_path then return 2, query end
  local text, problem = body_of(arguments)
  if problem then return 2, problem end
  return account.run(arguments, function(client)
    local result, err, response = client:request(arguments.method, bare_path, { query = query, body = text })
    response = response or err.response
    if response and response.status < 300 then
      problem = print_body(arguments, out, response)
      return problem and 1 or 0, problem
    end
    if response and (arguments.raw or arguments.json) then print_body(arguments, out, response) end
    if not result and err.in_doubt then return 1, err .. " The outcome is unknown: it may have been processed." end
    return 1, err
  end, nil, reports())
end

return request
