--- Who runs the loop: nginx, where it can wait, or else this process itself. The rooms above know only
--- this one.

local host = require "apivideo.runtime.host"

return require(host.ngx and "apivideo.runtime.nginx" or "apivideo.runtime.standalone")
