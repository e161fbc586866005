--- Derived events: api.video does not send them. This library creates them when the handlers of other events have
--- succeeded, or when it reads state. Their types begin with "apivideo.".

local PREFIX = "apivideo."

local derived = {}

--- Whether a type is one of derived events, or reserved for one of a later version.
---@param name any
---@return boolean
function derived.is(name)
  return type(name) == "string" and name:sub(1, #PREFIX) == PREFIX
end

--- Why a derived type cannot be used for something that concerns api.video.
---@param name string
---@return string
function derived.refusal(name)
  return ("\"%s\" is a type that this library derives from other events; api.video does not send it"):format(name)
end

return derived
