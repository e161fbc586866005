--- Values that api.video generates when it creates an object: ids, keys and dates.

local core = require "apivideo.core"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"

local ids = {}

local ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

--- Generates an id: `prefix`, then random letters and digits.
---@param prefix string
---@param length? integer of the random part, default 22
---@return string
function ids.new(prefix, length)
  return prefix .. core.random(length or 22):gsub(".", function(byte)
    local i = byte:byte() % #ALPHABET + 1
    return ALPHABET:sub(i, i)
  end)
end

--- A random UUID, the form of a stream key.
---@return string
function ids.uuid()
  return (random.hex(16):gsub("^(........)(....).(...).(...)(.*)$", "%1-%2-4%3-a%4-%5"))
end

--- The current time in api.video's date format: 2019-06-24T11:45:01+00:00.
---@return string
function ids.now()
  return (os.date("!%Y-%m-%dT%H:%M:%S+00:00", math.floor(runtime.now())))
end

return ids
