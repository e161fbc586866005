--- What a response of the management API means: a result, or an error of a certain kind.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local json = require "apivideo.util.json"
local redact = require "apivideo.util.redact"

local PROBLEM_MAX_BYTES = 1000 -- of a problem in the message; all of it is in the error's `problem`
local LOCATION_MAX_BYTES = 200

local responses = {}

local kinds = {
  [401] = "unauthorized", [403] = "forbidden", [404] = "not_found", [408] = "timeout",
  [409] = "conflict", [429] = "rate_limited",
}

local function kind_of(status)
  if kinds[status] then return kinds[status] end
  if status >= 500 then return "server_error" end
  return status >= 400 and "invalid_request" or "unexpected_response"
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

-- `name: title` of a problem, or nil. The title can be missing: then a field with the attribute's name contains it.
-- The name can be "".
local function headline(problem)
  local name = is_text(problem.name) and problem.name or nil
  local title = is_text(problem.title) and problem.title or is_text(problem.detail) and problem.detail
    or name and is_text(problem[name]) and problem[name]
  if not title then return nil end
  return name and ("%s: %s"):format(name, title) or title
end

-- A problem and the problems in its list, each once, in one line.
local function describe(problem, secrets)
  local lines, seen = {}, {}
  local function add(item)
    local line = type(item) == "table" and headline(item)
    if line and not seen[line] then
      seen[line] = true
      lines[#lines + 1] = line
    end
  end
  add(problem)
  if type(problem.problems) == "table" then
    for _, item in ipairs(problem.problems) do add(item) end
  end
  return #lines > 0 and redact.text(table.concat(lines, " "), secrets):sub(1, PROBLEM_MAX_BYTES) or nil
end

local function content_type(response)
  return headers.get(response.headers, "content-type") or "no content type"
end

local function describe_redirect(response, secrets)
  local target = response.status >= 300 and response.status < 400 and headers.get(response.headers, "location")
  if not target then return nil end
  return ("a redirect to %s, which is not followed"):format(redact.text(target, secrets):sub(1, LOCATION_MAX_BYTES))
end

-- Texts of servers (nginx, Apache, Go) that received a request without TLS on a port for TLS.
local PLAIN_TO_TLS = {
  "plain HTTP request was sent to HTTPS port", "plain HTTP to an SSL", "HTTP request to an HTTPS server",
}

local function describe_missing_tls(response, url)
  if response.status ~= 400 or not url:find "^[hH][tT][tT][pP]:" then return nil end
  for _, text in ipairs(PLAIN_TO_TLS) do
    if response.body:find(text, 1, true) then return "the server expects TLS on this port; use https://" end
  end
  return nil
end

--- What to check after an `unauthorized` error, for its message.
---@param url string of the request
---@return string
function responses.credentials_hint(url)
  return (" Check the API key or access token: sandbox and production have different ones, and this"
    .. " client talks to %s."):format(url:match("^[A-Za-z]+://[^/]+"))
end

--- The error of a response whose status is not 2xx.
---@param response apivideo.Response
---@param fields { request: table, attempts: integer }
---@param secrets string[]
---@return apivideo.Error
function responses.status_error(response, fields, secrets)
  local problem = json.decode(response.body)
  if type(problem) ~= "table" then problem = nil end
  local message = describe_redirect(response, secrets) or describe_missing_tls(response, fields.request.url)
    or problem and describe(problem, secrets)
    or response.body == "" and "the response body is empty"
    or problem and "the response body has no title"
    or ("the response body is not JSON (%s)"):format(content_type(response))
  if response.status == 401 then message = message .. responses.credentials_hint(fields.request.url) end
  fields.status, fields.problem = response.status, problem
  return errors.new(kind_of(response.status), message, fields, secrets)
end

--- The result of a 2xx response: the decoded body; true after DELETE and for an empty body; nil when the body is not a
--- JSON object or list.
---@param method string
---@param response apivideo.Response
---@return table|true|nil result
function responses.result(method, response)
  if method == "DELETE" or response.body == "" then return true end
  local result = json.decode(response.body)
  return type(result) == "table" and result or nil
end

--- The error of a 2xx response that has no result.
---@param response apivideo.Response
---@param fields { request: table, attempts: integer }
---@param secrets string[]
---@return apivideo.Error
function responses.body_error(response, fields, secrets)
  fields.status = response.status
  return errors.new("unexpected_response", ("a JSON object expected, got %s"):format(
    #response.body == 0 and "an empty body" or content_type(response)), fields, secrets)
end

return responses
