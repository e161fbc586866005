--- Who runs the loop: nginx, where it can wait, or else this process itself. The rooms above know only
--- this one.

-- A protected read: where undeclared globals are errors it fails, and rawget would miss what the globals of
-- an nginx request inherit.
local _, ngx = pcall(function() return ngx end)

-- Others have a global `ngx`, too, for what they are compatible with.
local in_nginx = type(ngx) == "table" and type(ngx.socket) == "table" and type(ngx.get_phase) == "function"

return require(in_nginx and "apivideo.runtime.nginx" or "apivideo.runtime.standalone")
