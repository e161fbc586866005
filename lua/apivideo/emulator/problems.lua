--- The error bodies that api.video documents. https://docs.api.video/reference/errors

local problems = {}

local DOCS = "https://docs.api.video/reference/"

local function required(name)
  return { type = DOCS .. "attribute-required", title = "This attribute is required.", name = name }
end

local function invalid(name, title)
  return { type = DOCS .. "invalid-attribute", title = title, name = name }
end

--- 401: no key, or a wrong one.
function problems.unauthorized()
  return { type = DOCS .. "authentication-invalid-user-credentials",
    title = "The user credentials were incorrect.", name = "", status = 401 }
end

--- 404 for the thing that a path parameter names.
function problems.not_found(name)
  return { type = DOCS .. "resource-not-found",
    title = "The requested resource was not found.", name = name, status = 404 }
end

function problems.too_many_requests()
  return { type = DOCS .. "too-many-requests", title = "Too many requests.", status = 429 }
end

function problems.webhook_limit()
  return { type = DOCS .. "webhook-limit-reached",
    title = "Your account has reached the webhook urls limit.", name = "", status = 400 }
end

function problems.not_json()
  return { type = DOCS .. "bad-request", title = "The body is not a JSON object.", status = 400 }
end

-- 400 over a list of problems. As documented, the first one's fields stand at the top; where it is a
-- missing attribute, its title stands under the attribute's name.
local function first_of(list)
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

--- 400 for the body of a webhook to create; nil when it is right.
---@param body table
---@param known table<string, any> the event types that there are
function problems.of_webhook(body, known)
  local list = {}
  local function add(problem) list[#list + 1] = problem end
  if body.events == nil then add(required("events")) end
  if body.url == nil then
    add(required("url"))
  elseif type(body.url) ~= "string" or not body.url:find("^https?://[^%s]+$") then
    add(invalid("url", "This attribute must be a valid URL."))
  end
  if type(body.events) ~= "table" or #body.events == 0 then
    add(invalid("events", "This attribute must be an array."))
  else
    for _, name in ipairs(body.events) do
      if not known[name] then
        add(invalid("events", "This value is not an existing event."))
        break
      end
    end
  end
  return #list > 0 and first_of(list) or nil
end

--- 400 for pages out of range; nil when they are within.
function problems.of_pages(current_page, page_size)
  local list = {}
  local title = "This parameter is out of the allowed range of values."
  if not current_page or current_page < 1 or current_page % 1 ~= 0 then
    list[1] = { title = title, name = "page", range = { min = 1 } }
  end
  if not page_size or page_size < 1 or page_size > 100 or page_size % 1 ~= 0 then
    list[#list + 1] = { title = title, name = "pageSize", range = { min = 1, max = 100 } }
  end
  return #list > 0 and first_of(list) or nil
end

return problems
