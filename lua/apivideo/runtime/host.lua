--- Whether nginx runs this Lua, and its current phase. No other module detects nginx.

-- Protected: a program may make reading an undeclared global an error. rawget would miss globals that the environment
-- of an nginx request inherits.
local _, ngx = pcall(function() return ngx end)

-- Other programs have a global `ngx`, too, for compatibility.
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

--- Why an environment variable may be missing here, for the end of a message.
---@param name string of the variable
---@return string text empty outside nginx
function host.variable_hint(name)
  if not in_nginx then return "" end
  return ("; in nginx, os.getenv returns nil unless the environment in which nginx starts has the variable, and"
    .. " nginx.conf the line: env %s;"):format(name)
end

return host
