--- What becomes of the events of the soak: the name of each begins with its fate.

local runtime = require "apivideo.runtime"

local HANG_S = 30 -- far more than handler_timeout; without an end, the tasks that hang would use more and more memory

local fates = {}

-- What a handler does at an attempt. Those without "dead" succeed in the end.
local attempts = {
  handled = function() return true end,
  slow = function()
    runtime.sleep(0.3)
    return true
  end,
  flaky = function(delivery)
    if delivery.attempt <= 2 then error "it fails twice" end
    return true
  end,
  hanging = function(delivery)
    if delivery.attempt == 1 then
      runtime.sleep(HANG_S)
      error "it ends too late"
    end
    return true
  end,
  leaving = function(delivery)
    if delivery.attempt == 1 then coroutine.yield() end
    return true
  end,
  crashing = function(delivery, die)
    if delivery.attempt == 1 then die() end
    return true
  end,
  poisoned = function() error "it fails each time" end,
  permanent = function() return require("apivideo").permanent "it is not for us" end,
}

local is_dead = { poisoned = true, permanent = true }

-- How often each occurs.
local shares = {
  handled = 60, slow = 15, flaky = 8, hanging = 2, leaving = 2, crashing = 1, poisoned = 1, permanent = 1,
}

local deck = {}
for name, share in pairs(shares) do
  for _ = 1, share do deck[#deck + 1] = name end
end
table.sort(deck) -- so that a seed repeats the choices

--- The name of a new event.
---@param number integer
function fates.name(number)
  return ("%s-%d"):format(deck[math.random(#deck)], number)
end

--- Whether an event becomes a dead letter in the end.
function fates.is_dead(name)
  return is_dead[name:match "^%l+"] == true
end

--- Handles an attempt.
---@param name string
---@param delivery apivideo.Delivery
---@param die fun() ends the process, or fails
function fates.attempt(name, delivery, die)
  return attempts[name:match "^%l+"](delivery, die)
end

return fates
