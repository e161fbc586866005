--- A real nginx for tests: one process, with the test's configuration.

local compile = require "spec.support.compile"
local free_port = require "spec.support.free_port"
local lfs = require "lfs"
local wait_until_accepting = require "spec.support.accepting"

local nginx = {}

local frame = [[
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {}
http {
  access_log off;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate good.crt; ssl_certificate_key good.key;
  %s
}
]]

--- Starts nginx in the directory of an authority, which must have issued "good". Authority:remove ends nginx.
--- Each server is { "parameters of listen", "directives" }. Returns the ports, in this order. `under` is a command that
--- runs nginx, such as "taskset -c 1".
function nginx.start(authority, servers, under)
  local parts, ports = {}, {}
  for i, server in ipairs(servers) do
    ports[i] = free_port()
    parts[i] = ("server { listen 127.0.0.1:%d %s; %s }"):format(ports[i], server[1], server[2])
  end
  authority:write("nginx.conf", frame:format(table.concat(parts, "\n  ")))
  os.execute(("cd %s && { %s %s/examples/nginx/start -p . -c nginx.conf > nginx.log 2>&1 < /dev/null &"
    .. " echo $! >> pids; }"):format(authority.directory, under or "", lfs.currentdir()))
  wait_until_accepting(ports[1], "nginx")
  return ports
end

--- nginx's version, such as "1.22.1".
function nginx.version()
  return compile.run("env -u NGINX_UNDER examples/nginx/start -v 2>&1"):match "nginx/(%S+)"
end

return nginx
