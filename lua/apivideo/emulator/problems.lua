--- Error bodies (problem details) as api.video documents them. https://docs.api.video/reference/errors

local checks = require "apivideo.util.checks"
local derived = require "apivideo.events.derived"

local problems = {}

local RESTREAMS_MAX = 5
local DOCS = "https://docs.api.video/reference/"

local function required(name)
  return { type = DOCS .. "attribute-required", title = "This attribute is required.", name = name }
end

local function invalid(name, title)
  return { type = DOCS .. "invalid-attribute", title = title, name = name }
end

--- 401: the request has no valid credentials.
function problems.unauthorized()
  return { type = DOCS .. "authentication-invalid-user-credentials",
    title = "The user credentials were incorrect.", name = "", status = 401 }
end

--- 404 for an object that a path parameter names.
function problems.not_found(name)
  return { type = DOCS .. "resource-not-found",
    title = "The requested resource was not found.", name = name, status = 404 }
end

--- 404 for a path without an endpoint.
function problems.unknown_path()
  return { type = DOCS .. "unrecognized-request-url", title = "Unrecognized request URL.", status = 404 }
end

function problems.too_many_requests()
  return { type = DOCS .. "too-many-requests", title = "Too many requests.", status = 429 }
end

function problems.webhook_limit()
  return { type = DOCS .. "webhook-limit-reached",
    title = "Your account has reached the webhook urls limit.", name = "", status = 400 }
end

--- 400 for an invalid API key or refresh token: the status of /auth is 400, not 401.
function problems.invalid_credentials()
  local problem = problems.unauthorized()
  problem.status = 400
  return problem
end

function problems.not_json()
  return { type = DOCS .. "bad-request", title = "The body is not a JSON object.", status = 400 }
end

--- 400 for the language of a caption.
function problems.invalid_language()
  local problem = invalid("language", "An attribute is invalid.")
  problem.detail = 'The "language" attribute must contain only letters and dashes (for example "fr", "fr-BE").'
  problem.status = 400
  return problem
end

--- 400 for a query parameter with a value that is not allowed.
function problems.invalid_parameter(name, values)
  return { type = DOCS .. "request-invalid-query-parameter", title = "A query parameter is invalid.",
    name = name, status = 400, detail = 'Use one of "' .. table.concat(values, '", "') .. '".' }
end

--- The documented problem of a status, or a generic one.
function problems.for_status(status)
  if status == 401 then return problems.unauthorized() end
  if status == 404 then return problems.not_found("") end
  if status == 429 then return problems.too_many_requests() end
  return { title = ("The response has status %d."):format(status), name = "", status = status }
end

-- 400 for a list of problems. As documented, the fields of the first problem are repeated at the top level; if it is a
-- missing attribute, its title has the attribute's name there.
local function combine(list)
  local first = list[1]
  local top = { type = first.type, title = first.title, name = first.name, range = first.range,
    status = 400 }
  if #list == 1 then return top end
  top.problems = list
  if first.type == DOCS .. "attribute-required" then
    top.title, top[first.name] = nil, first.title
  end
  return top
end

--- 400 if the body lacks a string attribute, or nil.
function problems.check_string(body, name)
  if type(body) ~= "table" then return problems.not_json() end
  if body[name] == nil then return combine { required(name) } end
  if type(body[name]) ~= "string" then
    return combine { invalid(name, "This attribute must be a string.") }
  end
end

--- 400 if the body does not define a webhook, or nil.
---@param body any
---@return table? problem
function problems.check_webhook(body)
  if type(body) ~= "table" then return problems.not_json() end
  local list = {}
  local function add(problem) list[#list + 1] = problem end
  if body.events == nil then add(required("events")) end
  if body.url == nil then
    add(required("url"))
  elseif type(body.url) ~= "string" or not body.url:find("^https?://[^ \t\r\n\v\f]+$") then
    add(invalid("url", "This attribute must be a valid URL."))
  end
  if type(body.events) ~= "table" or #body.events == 0 or not checks.is_list(body.events, "string") then
    add(invalid("events", "This attribute must be an array."))
  else
    for _, name in ipairs(body.events) do
      if derived.is(name) or name:find("*", 1, true) then -- types that are newer than this library are accepted
        add(invalid("events", "This value is not an existing event."))
        break
      end
    end
  end
  return #list > 0 and combine(list) or nil
end

-- Adds the problems of a string attribute.
local function add_string_problem(list, body, name, is_required)
  if body[name] == nil then
    if is_required then list[#list + 1] = required(name) end
  elseif type(body[name]) ~= "string" then
    list[#list + 1] = invalid(name, "This attribute must be a string.")
  end
end

-- Adds the problem of a list attribute.
local function add_list_problem(list, body, name, item_type)
  local value = body[name]
  if value == nil or type(value) == "table" and checks.is_list(value, item_type) then return end
  list[#list + 1] = invalid(name, "This attribute must be an array.")
end

--- 400 if the body does not define a video, or nil.
function problems.check_video(body)
  if type(body) ~= "table" then return problems.not_json() end
  local list = {}
  add_string_problem(list, body, "title", true)
  add_string_problem(list, body, "source", false)
  add_list_problem(list, body, "tags", "string")
  add_list_problem(list, body, "metadata", "table")
  return #list > 0 and combine(list) or nil
end

--- 400 if the body does not define a live stream, or nil.
function problems.check_live_stream(body)
  if type(body) ~= "table" then return problems.not_json() end
  local list = {}
  add_string_problem(list, body, "name", true)
  add_list_problem(list, body, "restreams", "table")
  if #list == 0 and #(body.restreams or {}) > RESTREAMS_MAX then
    list[1] = invalid("restreams", "An attribute is invalid.")
    list[1].detail = "This collection should contain 5 elements or less."
  end
  return #list > 0 and combine(list) or nil
end

-- 400 for a source that is not accepted.
local function source_problem(kind, title, detail)
  return { type = DOCS .. kind, title = title, name = "file", status = 400, detail = detail }
end

function problems.already_uploaded()
  return source_problem("video-source-already-uploaded", "The source of the video is already uploaded.")
end

function problems.no_file()
  return source_problem("uploaded-file-no-file", "There is no uploaded file in the request.")
end

--- 400 for a part of a source. Only the emulator has this problem.
function problems.progressive_upload()
  return source_problem("bad-request", "The local api.video does not support progressive uploads.",
    "Upload the source in one request, without Content-Range.")
end

--- 400 if the page number or size is out of range, or nil.
function problems.check_page(current_page, page_size)
  local list = {}
  local title = "This parameter is out of the allowed range of values."
  if not current_page or current_page < 1 or current_page % 1 ~= 0 then
    list[1] = { title = title, name = "page", range = { min = 1 } }
  end
  if not page_size or page_size < 1 or page_size > 100 or page_size % 1 ~= 0 then
    list[#list + 1] = { title = title, name = "pageSize", range = { min = 1, max = 100 } }
  end
  return #list > 0 and combine(list) or nil
end

return problems
