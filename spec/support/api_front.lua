--- api.video's hosts on this machine, for processes: a proxy that connects to a TLS server whose certificate has the
--- names of both hosts.

local certificates = require "spec.support.certificates"
local peer = require "spec.support.peer"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local tls_front = require "spec.support.tls_front"
local wire = require "spec.support.wire"

local Tunnel = wire.class()

-- Sends what one end receives to the other one, until either is closed.
local function copy(from, to)
  while from:read_more() do
    if not to:send(from:take(#from.received)) then break end
  end
  to:close()
end

local api_front = {}

--- Starts it.
---@param respond fun(request: table, host: string): string, string?, string? status, headers and body
---@return table front `environment` for processes, `ca_file`, and `stop`
function api_front.start(respond)
  local authority = certificates.new()
  authority:issue("good", "DNS:ws.api.video,DNS:sandbox.api.video")
  local api = peer.serving(function(request)
    return respond(request, peer.values(request, "host")[1])
  end)
  local port = tls_front(authority, nil, api.port)
  local proxy = peer.start(function(connection)
    if not connection:read_request() then return end
    connection:send "HTTP/1.1 200 Connected\r\n\r\n"
    local target = wire.new(Tunnel, assert(socket.connect("127.0.0.1", port)))
    runtime.spawn(copy, target, connection)
    copy(connection, target)
  end)
  local self = { ca_file = authority:path "ca.crt", environment = "https_proxy=" .. proxy.url, requests = api.requests }
  function self.stop()
    proxy.stop()
    api.stop()
    authority:remove()
  end
  return self
end

return api_front
