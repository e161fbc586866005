--- Whether nginx runs this Lua, and in which of its phases: the one place that recognises it.

-- A protected read: where undeclared globals are errors it fails, and rawget would miss what the globals of
-- an nginx request inherit.
local _, ngx = pcall(function() return ngx end)

-- Others have a global `ngx`, too, for what they are compatible with.
local in_nginx = type(ngx) == "table" and type(ngx.socket) == "table" and type(ngx.get_phase) == "function"

local host = {}

--- The API of nginx's Lua module, or nil elsewhere.
---@type table|nil
host.ngx = in_nginx and ngx or nil

--- The phase of nginx in which this runs, or nil elsewhere.
---@return string?
function host.phase()
  return in_nginx and ngx.get_phase() or nil
end

return host
