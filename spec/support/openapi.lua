--- Checks responses against an OpenAPI document: status, headers and body. Does not check formats.

local cjson = require "cjson"

-- Decodes JSON with each array as { ["#"] = { … } }, because lua-cjson decodes [] and {} to the same table.
local function decode(text)
  text = text:gsub("\\(.)", { ['"'] = "\\u0022", ["\\"] = "\\u005c" })
  text = text:gsub('([^"]*)("?[^"]*"?)', function(outside, string)
    return outside:gsub("%[", '{"#":['):gsub("%]", "]}") .. string
  end)
  return cjson.decode(text)
end

local Document = {}
Document.__index = Document

-- Resolves a reference.
local function resolve(self, node)
  if not node["$ref"] then return node end
  local target = self.root
  for name in node["$ref"]:gmatch("[^#/]+") do target = target[name] end
  return resolve(self, target)
end

local ARTICLES = { string = "a", boolean = "a", number = "a", integer = "an", array = "an", object = "an" }
local is_type = {
  string = function(value) return type(value) == "string" end,
  boolean = function(value) return type(value) == "boolean" end,
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and value % 1 == 0 end,
  array = function(value) return type(value) == "table" and value["#"] ~= nil end,
  object = function(value) return type(value) == "table" and value["#"] == nil end,
}

local check

local function check_object(self, value, schema, where, report)
  for _, name in ipairs(schema.required or {}) do
    if value[name] == nil then report(where .. "." .. name, "is missing") end
  end
  for name, property in pairs(schema.properties or {}) do
    if value[name] ~= nil then check(self, value[name], property, where .. "." .. name, report) end
  end
end

local function check_array(self, value, schema, where, report)
  local seen = {}
  for i, item in ipairs(value["#"]) do
    check(self, item, schema.items or {}, ("%s[%d]"):format(where, i), report)
    local text = cjson.encode(item)
    if schema.uniqueItems and seen[text] then report(("%s[%d]"):format(where, i), "is a duplicate") end
    seen[text] = true
  end
end

function check(self, value, schema, where, report)
  schema = resolve(self, schema)
  if value == cjson.null then
    if not schema.nullable then report(where, "is null") end
    return
  end
  if schema.type and not is_type[schema.type](value) then
    return report(where, ("is not %s %s"):format(ARTICLES[schema.type], schema.type))
  end
  if schema.enum then
    local is_member = false
    for _, member in ipairs(schema.enum) do is_member = is_member or member == value end
    if not is_member then report(where, "is not in the enum: " .. tostring(value)) end
  end
  if schema.type == "array" then
    check_array(self, value, schema, where, report)
  elseif type(value) == "table" then
    check_object(self, value, schema, where, report)
  end
end

-- The path template that matches a request's path; an exact one takes precedence.
local function template_of(self, path)
  if self.root.paths[path] then return path end
  for template in pairs(self.root.paths) do
    if path:find("^" .. template:gsub("[%-%.]", "%%%0"):gsub("{[^}]+}", "[^/]+") .. "$") then return template end
  end
end

-- The schemas of error responses that the document leaves out although api.video sends them.
local UNDOCUMENTED = { [400] = "bad-request", [401] = "bad-request", [404] = "not-found",
  [429] = "too-many-requests" }

local function check_headers(documented, headers, report)
  for name in pairs(documented or {}) do
    if not tostring(headers[name]):find("^%d+$") then report(name, "is not an integer") end
  end
end

--- The problems of the response to a request, a line each; empty if it conforms.
---@param method string
---@param path string without the query
---@param response { status: integer, headers: table, body: string }
---@return string[]
function Document:problems(method, path, response)
  local list = {}
  local function report(where, what) list[#list + 1] = where .. " " .. what end
  local template = template_of(self, path)
  local operation = template and self.root.paths[template][method:lower()]
  local documented = operation and operation.responses[tostring(response.status)]
  local schema
  if documented then
    self.seen[("%s %s %d"):format(method, template, response.status)] = true
    check_headers(documented.headers, response.headers, report)
    schema = documented.content and documented.content["application/json"].schema
  elseif UNDOCUMENTED[response.status] then
    schema = self.root.components.schemas[UNDOCUMENTED[response.status]]
  else
    report(tostring(response.status), "is not a documented status")
  end
  if schema then
    local ok, body = pcall(decode, response.body)
    if not ok then return { "the body is not JSON" } end
    check(self, body, schema, "body", report)
    if response.status >= 400 and body.status ~= response.status then
      report("body.status", "differs from the response's status")
    end
  elseif response.body ~= "" then
    report("the body", "should be empty")
  end
  return list
end

--- The documented responses that were not checked: `GET /path 200`, sorted.
---@return string[]
function Document:missing()
  local list = {}
  for path, operations in pairs(self.root.paths) do
    for method, operation in pairs(operations) do
      for status in pairs(operation.responses) do
        local name = ("%s %s %s"):format(method:upper(), path, status)
        if not self.seen[name] then list[#list + 1] = name end
      end
    end
  end
  table.sort(list)
  return list
end

local openapi = {}

--- Reads a document in JSON.
function openapi.load(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return setmetatable({ root = cjson.decode(text), seen = {} }, Document)
end

return openapi
