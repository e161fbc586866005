--- Terminates TLS in front of a test's peer with nginx's stream module, so that the peer can send any bytes within TLS.

local free_port = require "spec.support.free_port"
local lfs = require "lfs"
local wait_until_accepting = require "spec.support.accepting"

local frame = [[
daemon off; master_process off; pid front.pid; error_log front.log;
events {}
stream { server {
  listen 127.0.0.1:%d ssl; ssl_certificate good.crt; ssl_certificate_key good.key; %s
  proxy_pass 127.0.0.1:%d; tcp_nodelay on;
} }
]]

--- Starts nginx in the directory of an authority, which must have issued "good". Authority:remove ends nginx.
---@param protocol? string for ALPN, such as "h2"; needs nginx 1.21.4
---@param port integer of the peer
---@return integer port of the front
return function(authority, protocol, port)
  local front = free_port()
  authority:write("front.conf", frame:format(front, protocol and "ssl_alpn " .. protocol .. ";" or "", port))
  os.execute(("cd %s && { %s/examples/nginx/start -p . -c front.conf > front.out 2>&1 < /dev/null &"
    .. " echo $! >> pids; }"):format(authority.directory, lfs.currentdir()))
  wait_until_accepting(front, "nginx")
  return front
end
