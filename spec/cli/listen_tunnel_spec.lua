-- The agents are stand-ins: their APIs as ngrok's documentation and cloudflared's source describe them.

local cjson = require "cjson"
local free_port = require "spec.support.free_port"
local listening = require "spec.support.listening"
local running = require "spec.support.running"
local tunnel = require "apivideo.cli.listen.tunnel"

-- An agent with a response for each path. Returns its port.
local function agent(responses)
  return running.serving(function(request)
    local body = responses[request.line:match "^GET (%S+)"]
    if not body then return "404 Not Found" end
    return "200 OK", "Content-Type: application/json\r\n", type(body) == "table" and cjson.encode(body) or body
  end).port
end

describe("the URL of a tunnel", function()
  after_each(running.stop)

  it("is that of ngrok's endpoint that leads to the port, https before http", function()
    local port = agent { ["/api/endpoints"] = { endpoints = {
      { name = "a", url = "https://other.ngrok.app", upstream = { url = "http://localhost:81" } },
      { name = "b", url = "http://ours.ngrok.app", upstream = { url = "http://localhost:8080" } },
      { name = "c", url = "https://ours.ngrok.app", upstream = { url = "http://localhost:8080", protocol = "http1" } },
      { name = "d", url = "tcp://1.tcp.ngrok.io:1", upstream = { url = "tcp://localhost:8080" } },
    } } }
    assert.equal("https://ours.ngrok.app", (tunnel.find(8080, port)))
    assert.equal("https://other.ngrok.app", (tunnel.find(81, port)))
  end)

  it("is that of ngrok's tunnel with an agent of before 2025", function()
    for _, addr in ipairs { "http://localhost:8080", "localhost:8080", "8080", "http://127.0.0.1:8080",
      "http://[::1]:8080/" } do
      local port = agent { ["/api/tunnels"] = { uri = "/api/tunnels", tunnels = {
        { public_url = "https://a.ngrok.io", proto = "https", config = { addr = addr, inspect = true } },
      } } }
      assert.equal("https://a.ngrok.io", (tunnel.find(8080, port)), addr)
    end
    local port = agent { ["/api/tunnels"] = { tunnels = {
      { public_url = "https://a.ngrok.io", config = { addr = "http://127.0.0.1" } },
      { public_url = "https://b.ngrok.io", config = { addr = "http://192.168.1.1:8080" } },
      { public_url = "https://c.ngrok.io", config = { addr = "https://localhost:8080" } },
    } } }
    assert.equal("https://a.ngrok.io", (tunnel.find(80, port)))
    assert.is_nil((tunnel.find(8080, port)))
  end)

  it("is that of cloudflared", function()
    local function config(rules) return { version = -1, config = { ingress = rules } } end
    local port = agent { ["/quicktunnel"] = '{"hostname":"a-b.trycloudflare.com"}',
      ["/config"] = config { { hostname = "", path = cjson.null, service = "http://127.0.0.1:8080" } } }
    assert.equal("https://a-b.trycloudflare.com", (tunnel.find(8080, port)))
    assert.is_nil((tunnel.find(8081, port)))
    port = agent { ["/quicktunnel"] = '{"hostname":""}', ["/config"] = config {
      { hostname = "app.example.com", service = "http://localhost:3000" },
      { hostname = "hooks.example.com", service = "http://localhost:8080" }, { service = "http_status:404" } } }
    assert.equal("https://hooks.example.com", (tunnel.find(8080, port)))
    assert.is_nil((tunnel.find(80, port)))
  end)

  it("is not found in responses of other programs", function()
    for _, body in ipairs { "", "[]", "null", "x", '{"endpoints":1}', '{"endpoints":[1,null,{"upstream":1}]}',
      '{"endpoints":[{"url":1,"upstream":{"url":"http://localhost:80"}}]}', '{"hostname":5}', '{"hostname":null}' } do
      assert.is_nil((tunnel.find(80, agent { ["/api/endpoints"] = body, ["/quicktunnel"] = body })), body)
    end
  end)

  it("is not found without an agent, and the message tells what to start", function()
    local port = agent { ["/api/endpoints"] = { endpoints = cjson.decode "[]" } }
    assert.equal("--public-url auto: ngrok runs, but no tunnel of it leads to port 8080; start one of these, and run"
      .. " the command again: ngrok http 8080; cloudflared tunnel --url http://127.0.0.1:8080",
      select(2, tunnel.find(8080, port)))
    port = free_port()
    assert.truthy(select(2, tunnel.find(8080, port)):find(
      "neither ngrok nor cloudflared runs with its API at port " .. port .. "; start one of", 1, true))
  end)

  it("fails at the start of the command without an agent #process", function()
    local api = running.emulator()
    local output, status = listening.run { "--port", "0", "--public-url", "auto:" .. free_port(), "--api-key", "key",
      "--base-url", api.url }
    assert.equal(1, status)
    assert.truthy(output:find("neither ngrok nor cloudflared runs", 1, true), output)
    assert.equal(0, #api.deliveries)
  end)
end)
