--- Converters for argparse that check numbers.

local numbers = {}

local SECONDS_MAX = 86400

--- Creates a converter for a whole number from `low` to `high`.
function numbers.whole(low, high)
  return function(text)
    local value = tonumber(text)
    if value and value >= low and value <= high and value % 1 == 0 then return value end
    return nil, ("expected a whole number from %d to %d, got '%s'"):format(low, high, text)
  end
end

--- Converts a number of seconds, which may have a fraction.
function numbers.seconds(text)
  local value = tonumber(text)
  if value and value >= 0 and value <= SECONDS_MAX then return value end
  return nil, ("expected seconds, a number from 0 to %d, got '%s'"):format(SECONDS_MAX, text)
end

numbers.port = numbers.whole(0, 65535)

return numbers
