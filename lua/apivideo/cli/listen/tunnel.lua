--- `--public-url auto`: the URL of a running tunnel that leads to a port of this machine. The agents of ngrok and
--- cloudflared tell it.
---
--- https://ngrok.com/docs/agent/api: GET /api/endpoints has `url` and `upstream.url`. Agents before 2025 only have GET
--- /api/tunnels, with `public_url` and `config.addr`.
--- https://developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel/monitor-tunnels/metrics: GET
--- /quicktunnel has the `hostname` of a tunnel without an account, or ""; GET /config has the rules of each tunnel.

local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"

local TIMEOUT_S = 2
local NGROK_PORTS, CLOUDFLARED_PORTS = { 4040 }, { 20241, 20242, 20243, 20244, 20245 }
local LOOPBACK = { localhost = true, ["[::1]"] = true, ["0.0.0.0"] = true }

local tunnel = {}

-- The table in the response of an agent, or nil.
local function get(port, path)
  local response = http.request { method = "GET", url = ("http://127.0.0.1:%d%s"):format(port, path),
    timeout = TIMEOUT_S, proxy = "" }
  local value = response and response.status == 200 and json.decode(response.body)
  return type(value) == "table" and value or nil
end

-- A member of a value that may be anything.
local function member(value, name)
  return type(value) == "table" and value[name] or nil
end

-- Whether an address such as `http://localhost:8080`, `localhost:8080` or `8080` is the port of this machine.
local function leads_to(address, port)
  if type(address) ~= "string" then return false end
  local scheme, rest = address:match "^(%a+)://([^/]*)"
  if scheme and scheme ~= "http" then return false end
  local authority = rest or address
  local host, number = authority:match "^(.*):(%d+)$"
  if not host and authority:find "^%d+$" then host, number = "localhost", authority end
  host = host or authority
  return (LOOPBACK[host] or host:find "^127%." ~= nil) and (tonumber(number) or 80) == port
end

-- Adds a URL: https is preferred to http.
local function better(url, other)
  if type(other) ~= "string" or not other:find "^https?://" then return url end
  if not url or other:find "^https:" and not url:find "^https:" then return other end
  return url
end

-- The URL of a tunnel of ngrok; and whether an agent runs.
local function ask_ngrok(api_port, port)
  local endpoints, tunnels = get(api_port, "/api/endpoints"), nil
  if type(member(endpoints, "endpoints")) ~= "table" then tunnels = get(api_port, "/api/tunnels") end
  local list = member(endpoints, "endpoints") or member(tunnels, "tunnels")
  if type(list) ~= "table" then return nil, false end
  local url
  for _, each in ipairs(list) do
    local address = member(member(each, "upstream"), "url") or member(member(each, "config"), "addr")
    if leads_to(address, port) then url = better(url, member(each, "url") or member(each, "public_url")) end
  end
  return url, true
end

-- The same of cloudflared.
local function ask_cloudflared(api_port, port)
  local quick = get(api_port, "/quicktunnel")
  local hostname = member(quick, "hostname")
  if type(hostname) ~= "string" then return nil, false end
  local rules = member(member(get(api_port, "/config"), "config"), "ingress")
  for _, rule in ipairs(type(rules) == "table" and rules or {}) do
    local host = member(rule, "hostname")
    host = type(host) == "string" and host ~= "" and host or hostname
    if host ~= "" and leads_to(member(rule, "service"), port) then return "https://" .. host, true end
  end
  return nil, true
end

local AGENTS = {
  { name = "ngrok", ask = ask_ngrok, ports = NGROK_PORTS },
  { name = "cloudflared", ask = ask_cloudflared, ports = CLOUDFLARED_PORTS },
}

--- Finds the URL.
---@param port integer to which the tunnel must lead
---@param api_port? integer of the agent's local API; default: those that ngrok and cloudflared use
---@return string|nil url
---@return string? problem with the remedy
function tunnel.find(port, api_port)
  local found
  for _, agent in ipairs(AGENTS) do
    for _, each in ipairs(api_port and { api_port } or agent.ports) do
      local url, is_running = agent.ask(each, port)
      if url then return url end
      if is_running then found = found or agent.name end
    end
  end
  local remedy = ("start one of these, and run the command again: ngrok http %d; cloudflared tunnel --url"
    .. " http://127.0.0.1:%d"):format(port, port)
  if found then
    return nil, ("--public-url auto: %s runs, but no tunnel of it leads to port %d; %s"):format(found, port, remedy)
  end
  return nil, ("--public-url auto: neither ngrok nor cloudflared runs%s; %s"):format(
    api_port and " with its API at port " .. api_port or "", remedy)
end

return tunnel
