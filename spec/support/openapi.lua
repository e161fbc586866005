--- Checks answers against an OpenAPI document: their status, headers and body. Formats are left out.

local cjson = require "cjson"

-- Decodes JSON with each array as { ["#"] = { … } }, since lua-cjson makes the same of [] and {}.
local function decode(text)
  text = text:gsub("\\(.)", { ['"'] = "\\u0022", ["\\"] = "\\u005c" })
  text = text:gsub('([^"]*)("?[^"]*"?)', function(outside, string)
    return outside:gsub("%[", '{"#":['):gsub("%]", "]}") .. string
  end)
  return cjson.decode(text)
end

local Document = {}
Document.__index = Document

-- What a reference stands for.
local function resolve(self, node)
  if not node["$ref"] then return node end
  local target = self.root
  for name in node["$ref"]:gmatch("[^#/]+") do target = target[name] end
  return resolve(self, target)
end

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
    if schema.uniqueItems and seen[text] then report(("%s[%d]"):format(where, i), "is there twice") end
    seen[text] = true
  end
end

function check(self, value, schema, where, report)
  schema = resolve(self, schema)
  if value == cjson.null then
    if not schema.nullable then report(where, "is null") end
    return
  end
  if schema.type and not is_type[schema.type](value) then return report(where, "is no " .. schema.type) end
  if schema.enum then
    local is_member = false
    for _, member in ipairs(schema.enum) do is_member = is_member or member == value end
    if not is_member then report(where, "is none of the enum: " .. tostring(value)) end
  end
  if schema.type == "array" then
    check_array(self, value, schema, where, report)
  elseif type(value) == "table" then
    check_object(self, value, schema, where, report)
  end
end

-- The path of the document that a request's path is one of; an exact one first.
local function template_of(self, path)
  if self.root.paths[path] then return path end
  for template in pairs(self.root.paths) do
    if path:find("^" .. template:gsub("[%-%.]", "%%%0"):gsub("{[^}]+}", "[^/]+") .. "$") then return template end
  end
end

-- What an error may look like where the document does not say it: it leaves out some that there are.
local undocumented = { [400] = "bad-request", [401] = "bad-request", [404] = "not-found",
  [429] = "too-many-requests" }

local function check_headers(documented, headers, report)
  for name in pairs(documented or {}) do
    if not tostring(headers[name]):find("^%d+$") then report(name, "is no integer") end
  end
end

--- What is wrong with the answer to a request: a list of lines, empty when it conforms.
---@param method string
---@param path string without the query
---@param answer { status: integer, headers: table, body: string }
---@return string[]
function Document:problems(method, path, answer)
  local list = {}
  local function report(where, what) list[#list + 1] = where .. " " .. what end
  local template = template_of(self, path)
  local operation = template and self.root.paths[template][method:lower()]
  local response = operation and operation.responses[tostring(answer.status)]
  local schema
  if response then
    self.seen[("%s %s %d"):format(method, template, answer.status)] = true
    check_headers(response.headers, answer.headers, report)
    schema = response.content and response.content["application/json"].schema
  elseif undocumented[answer.status] then
    schema = self.root.components.schemas[undocumented[answer.status]]
  else
    report(tostring(answer.status), "is no documented status")
  end
  if schema then
    local ok, body = pcall(decode, answer.body)
    if not ok then return { "the body is no JSON" } end
    check(self, body, schema, "body", report)
    if answer.status >= 400 and body.status ~= answer.status then report("body.status", "is another one") end
  elseif answer.body ~= "" then
    report("the body", "should be empty")
  end
  return list
end

--- The documented answers that were not among those checked: `GET /path 200`, in order.
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

--- Reads a document, in JSON.
function openapi.load(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return setmetatable({ root = cjson.decode(text), seen = {} }, Document)
end

return openapi
