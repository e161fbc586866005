--- Converters for argparse that check numbers.

local checks = require "apivideo.util.checks"

local numbers = {}

-- A function that creates a converter for numbers of a kind, see `checks.options`. Messages contain the example.
local function of_kind(kind, example)
  return function(name)
    return function(text)
      local value = tonumber(text)
      local is_valid, expected = checks.matches(value, kind)
      if is_valid then return value end
      return nil, ("%s must be %s, got '%s'; write, for example, %s %s"):format(name, expected, text, name, example)
    end
  end
end

--- Creates a converter for a port.
---@type fun(name: string): fun(text: string): number?, string?
numbers.port = of_kind("integer>=0<=65535", "8080")

--- Creates a converter for the attempts of a delivery.
---@type fun(name: string): fun(text: string): number?, string?
numbers.max_attempts = of_kind("integer>=1<=100", "3")

--- Creates a converter for a duration in seconds.
---@type fun(name: string): fun(text: string): number?, string?
numbers.seconds = of_kind("seconds>=0<=86400", "3")

return numbers
