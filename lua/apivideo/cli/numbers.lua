--- Converters for argparse that check numbers.

local options = require "apivideo.util.options"

local numbers = {}

-- Creates a converter for numbers of a kind, see `options.check`.
local function converter(kind)
  return function(text)
    local value = tonumber(text)
    local is_valid, expected = options.matches(value, kind)
    if is_valid then return value end
    return nil, ("expected %s, got '%s'"):format(expected, text)
  end
end

numbers.port = converter "integer>=0<=65535"

--- The attempts of a delivery.
numbers.attempts = converter "integer>=1<=100"

numbers.seconds = converter "seconds>=0<=86400"

return numbers
