--- How the server that was built waits: with epoll, or with a list of descriptors (APIVIDEO_POLL).

local core = require "apivideo.server.core"

local poller = {}

local probe = assert(core.new("127.0.0.1", 0, 1, 1, 1))
poller.is_epoll = probe.fd ~= nil
probe:close()

--- What `runtime.watch` takes for a server of the core's.
function poller.source(instance)
  return poller.is_epoll and instance:fd() or instance
end

return poller
