--- Converters for argparse that check numbers, and a check of two that exclude each other.

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

--- Creates a converter for an id, or for a number of things that must not be 0, such as a limit.
---@type fun(name: string): fun(text: string): number?, string?
numbers.limit = of_kind("integer>=1", "10")

--- Creates a converter for a number of things.
---@type fun(name: string): fun(text: string): number?, string?
numbers.count = of_kind("integer>=0", "100")

--- Creates a converter for a time limit in seconds.
---@type fun(name: string): fun(text: string): number?, string?
numbers.timeout = of_kind("seconds>0<=86400", "600")

--- Creates a converter for the time limit of an attempt of a delivery, in seconds.
---@type fun(name: string): fun(text: string): number?, string?
numbers.attempt_timeout = of_kind("seconds>=0.001<=86400", "10")

--- What is wrong with --interval; otherwise nil.
---@param interval? number of the arguments
---@param max_attempts integer
---@return string?
function numbers.interval_problem(interval, max_attempts)
  if not interval or max_attempts > 1 then return nil end
  return "--interval is the time between two attempts; pass --max-attempts with 2 or more, or omit --interval"
end

return numbers
