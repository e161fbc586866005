--- What api.video gives a thing when it is made: an id, a key, a date.

local core = require "apivideo.core"
local runtime = require "apivideo.runtime"

local ids = {}

local ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

--- `prefix` and random letters and digits, 22 if not told otherwise.
---@param prefix string
---@param length? integer
---@return string
function ids.new(prefix, length)
  return prefix .. core.random(length or 22):gsub(".", function(byte)
    local i = byte:byte() % #ALPHABET + 1
    return ALPHABET:sub(i, i)
  end)
end

--- A random UUID, the form of a stream's key.
---@return string
function ids.uuid()
  local hex = core.random(16):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
  return (hex:gsub("^(........)(....).(...).(...)(.*)$", "%1-%2-4%3-a%4-%5"))
end

--- Now, as api.video writes dates: 2019-06-24T11:45:01+00:00.
---@return string
function ids.now()
  return (os.date("!%Y-%m-%dT%H:%M:%S+00:00", math.floor(runtime.now())))
end

return ids
