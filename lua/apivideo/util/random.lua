--- Random numbers and identifiers from the operating system's generator. (math.random has the same seed in each
--- process before Lua 5.4.)

local core = require "apivideo.core"

local random = {}

--- A random number from 0 (inclusive) to 1 (exclusive).
---@return number
function random.fraction()
  local a, b, c = core.random(3):byte(1, 3)
  return (a * 65536 + b * 256 + c) / 16777216
end

--- Random bytes as hexadecimal digits, two for each byte.
---@param bytes integer
---@return string
function random.hex(bytes)
  return (core.random(bytes):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

return random
