--- What an answer of the management API means: a result, or an error of a certain kind.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local json = require "apivideo.util.json"
local redact = require "apivideo.util.redact"

local answer = {}

local kinds = {
  [401] = "unauthorized", [403] = "forbidden", [404] = "not_found", [408] = "timeout",
  [409] = "conflict", [429] = "rate_limited",
}

-- The kind of error that a status is.
local function kind_of(status)
  if kinds[status] then return kinds[status] end
  if status >= 500 then return "server_error" end
  return status >= 400 and "invalid_request" or "unexpected_response"
end

local function is_text(value)
  return type(value) == "string" and value ~= ""
end

-- `title (name)` of a problem, or nil. Titles can be missing (the attribute's name stands in their
-- place then), and a name can be "".
local function headline(problem)
  local name = is_text(problem.name) and problem.name or nil
  local title = is_text(problem.title) and problem.title or is_text(problem.detail) and problem.detail
    or name and is_text(problem[name]) and problem[name]
  if not title then return nil end
  return name and ("%s: %s"):format(name, title) or title
end

local MESSAGE = 1000 -- bytes of a problem's words; all of them are in the error's `problem`

-- What a problem says, with the single problems it lists, in one line.
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
  return #lines > 0 and redact.text(table.concat(lines, " "), secrets):sub(1, MESSAGE) or nil
end

local function content_type(response)
  return headers.get(response.headers, "content-type") or "no content type"
end

local SHOWN = 200 -- bytes of a redirect's target

-- What a redirect says, or nil for an answer that is none.
local function describe_redirect(response, secrets)
  local target = response.status >= 300 and response.status < 400 and headers.get(response.headers, "location")
  if not target then return nil end
  return ("a redirect to %s, which is not followed"):format(redact.text(target, secrets):sub(1, SHOWN))
end

--- What to check when credentials were refused.
---@param url string of the request
---@return string
function answer.key_hint(url)
  return (" Check the API key or access token: sandbox and production have different ones, and this"
    .. " client talks to %s."):format(url:match("^[A-Za-z]+://[^/]+"))
end

--- The error of a response that is no success.
---@param response apivideo.Response
---@param fields { request: table, attempts: integer }
---@param secrets string[]
---@return apivideo.Error
function answer.refusal(response, fields, secrets)
  local problem = json.decode(response.body)
  if type(problem) ~= "table" then problem = nil end
  local message = describe_redirect(response, secrets) or problem and describe(problem, secrets)
    or response.body == "" and "the answer's body is empty"
    or problem and "the answer says nothing that is known"
    or ("the answer's body is not JSON (%s)"):format(content_type(response))
  if response.status == 401 then message = message .. answer.key_hint(fields.request.url) end
  fields.status, fields.problem = response.status, problem
  return errors.new(kind_of(response.status), message, fields, secrets)
end

--- The result of a success: the decoded body, true where the answer is just "done", or nil for a body
--- that is none.
---@param method string
---@param response apivideo.Response
---@return table|true|nil result
function answer.result(method, response)
  if method == "DELETE" or response.body == "" then return true end
  local result = json.decode(response.body)
  return type(result) == "table" and result or nil
end

--- The error of a success whose body is no result.
---@param response apivideo.Response
---@param fields { request: table, attempts: integer }
---@param secrets string[]
---@return apivideo.Error
function answer.no_result(response, fields, secrets)
  fields.status = response.status
  return errors.new("unexpected_response", ("a JSON object expected, got %s"):format(
    #response.body == 0 and "an empty body" or content_type(response)), fields, secrets)
end

return answer
