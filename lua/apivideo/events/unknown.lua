--- Event types that the catalogue does not have. They may be mistyped, or newer than this library.

local log = require "apivideo.runtime.log"
local redact = require "apivideo.util.redact"
local spelling = require "apivideo.util.spelling"

local MAX_NAMES = 256 -- an application may take names from its users, so the memory is bounded

local warned, count = {}, 0 -- names, and how many

local unknown = {}

--- Says that a type or pattern is unknown, with the most similar type.
---@param name string
---@param catalogue apivideo.Catalogue
---@return string
function unknown.describe(name, catalogue)
  local names = catalogue:names()
  local near = spelling.nearest(name, names)
  if name:find("*", 1, true) and not name:find "^[^*]*%.%*$" then
    return ("\"%s\" is not a known event type (a pattern is \"*\", or ends in \".*\", such as \"video.*\")")
      :format(redact.text(name))
  end
  return ("\"%s\" is not a known event type (%s)"):format(redact.text(name),
    near and ("did you mean \"" .. near .. "\"?") or "known: " .. table.concat(names, ", "))
end

--- Logs that a type or pattern is unknown, once for each name.
---@param where string the function's name
---@param name string
---@param catalogue apivideo.Catalogue
---@param consequence string
function unknown.warn(where, name, catalogue, consequence)
  if warned[name] then return end
  if count >= MAX_NAMES then warned, count = {}, 0 end
  warned[name], count = true, count + 1
  log.warn(("%s: %s; %s"):format(where, unknown.describe(name, catalogue), consequence))
end

return unknown
