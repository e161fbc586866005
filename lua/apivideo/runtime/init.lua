--- The event loop: that of nginx, or otherwise one of our own. This room has the loops, and tasks, latches and the like
--- over them. The other rooms require only this module for waiting, so they do not depend on the loop.

local host = require "apivideo.runtime.host"

return require(host.ngx and "apivideo.runtime.nginx" or "apivideo.runtime.standalone")
