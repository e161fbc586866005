--- Numbers among the command's arguments: converters for argparse.

local numbers = {}

--- A whole number within bounds.
function numbers.whole(low, high)
  return function(text)
    local value = tonumber(text)
    if value and value >= low and value <= high and value % 1 == 0 then return value end
    return nil, ("a whole number from %d to %d expected, got '%s'"):format(low, high, text)
  end
end

--- Seconds, with a fraction where need be.
function numbers.seconds(text)
  local value = tonumber(text)
  if value and value >= 0 and value <= 86400 then return value end
  return nil, ("seconds expected, from 0 to 86400, got '%s'"):format(text)
end

numbers.port = numbers.whole(0, 65535)

return numbers
