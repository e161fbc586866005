--- Whether the server was built for epoll, or for poll() (APIVIDEO_POLL).

local core = require "apivideo.server.core"

local poller = {}

local probe = assert(core.new("127.0.0.1", 0, 1, 1, 1))
poller.is_epoll = probe.fd ~= nil
probe:close()

--- The argument of `runtime.watch` for a server of apivideo.server.core.
function poller.source(instance)
  return poller.is_epoll and instance:fd() or instance
end

return poller
