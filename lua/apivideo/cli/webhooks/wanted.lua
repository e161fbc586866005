--- The file of the wanted webhooks, JSON or Lua.

local body = require "apivideo.cli.body"
local checks = require "apivideo.util.checks"
local definition = require "apivideo.resources.webhooks.definition"
local json = require "apivideo.util.json"
local lua_table = require "apivideo.cli.lua_table"
local private_url = require "apivideo.resources.webhooks.private_url"

local EXAMPLE = 'return { { url = "https://example.com/", events = { "video.source.recorded" } } }'

local wanted = {}

-- What is wrong with a webhook of the file; otherwise nil.
local function item_problem(name, item, base_url)
  local ok, message = pcall(definition.check, name, item, 1)
  if not ok then return (tostring(message):gsub("^[^\n]-:%d+: ", "")) end
  local problem = private_url.problem(item.url, base_url)
  return problem and ("%s: %s"):format(name, problem)
end

--- What is wrong with the list in the file; otherwise nil.
---@param list table
---@param base_url string of the client
---@return string?
function wanted.problem(list, base_url)
  if not checks.is_list(list, "table") then return "a list of webhooks expected, such as: " .. EXAMPLE end
  local places = {}
  for i, item in ipairs(list) do
    local problem = item_problem("webhook " .. i, item, base_url)
    if problem then return problem end
    local key = definition.key(item)
    if places[key] then return ("webhooks %d and %d are the same"):format(places[key], i) end
    places[key] = i
  end
end

--- Reads the file.
---@param path string `-` for standard input
---@return table|nil list
---@return string? problem
function wanted.read(path)
  local text, problem = body.of_file(path)
  if not text then return nil, problem end
  local list
  if text:find "^%s*[%[{]" then -- no Lua file begins like that
    list, problem = json.decode(text)
    if list and not json.is_list(list) then list, problem = nil, "a JSON list of webhooks expected" end
  else
    list, problem = lua_table.evaluate(text, path, EXAMPLE)
    local is_lua = not text:find "^%s*[%w-]" or text:find "%f[%w_]return%f[^%w_]"
    if not list and not is_lua then problem = "it is neither JSON nor Lua; write, for example: " .. EXAMPLE end
  end
  if not list then return nil, ("%s: %s"):format(path, problem) end
  return list
end

return wanted
