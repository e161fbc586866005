--- Event types that the catalogue does not have, and qualities that api.video does not document. They may be mistyped, or
--- newer than this library.

local conditions = require "apivideo.util.conditions"
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

local function warn_once(name, text)
  if warned[name] then return end
  if count >= MAX_NAMES then warned, count = {}, 0 end
  warned[name], count = true, count + 1
  log.warn(text)
end

--- Logs that a type or pattern is unknown, once for each name.
---@param where string the function's name
---@param name string
---@param catalogue apivideo.Catalogue
---@param consequence string
function unknown.warn(where, name, catalogue, consequence)
  warn_once(name, ("%s: %s; %s"):format(where, unknown.describe(name, catalogue), consequence))
end

--- Logs that a condition is an unknown quality, once for each quality.
---@param where string the function's name
---@param condition apivideo.Condition
---@param consequence string
function unknown.warn_condition(where, condition, consequence)
  if conditions.is_documented(condition) then return end
  warn_once("quality " .. condition, ("%s: \"%s\" is not a known quality (known: %s); %s"):format(where,
    redact.text(condition), table.concat(conditions.QUALITIES, ", "), consequence))
end

return unknown
