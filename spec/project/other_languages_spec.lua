-- The examples of docs/guides/events.md in other languages verify deliveries of the local api.video. Each runs in a
-- server of its language's standard library: pending where the interpreter is not installed.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local http = require "apivideo.transport.http"
local running = require "spec.support.running"
local shell = require "spec.support.shell"
local wait_for = require "spec.support.wait"

local RECORDED = "video.source.recorded"
local START_TIMEOUT_S = 60 -- on a busy machine

-- The rest of each program: prints its port, reads the secret from its standard input, and serves until that ends.
local SERVERS = {
  python = [[
import http.server
import sys
import threading

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204 if is_genuine(raw, self.headers["X-Api-Video-Signature"], secret) else 401)
        self.end_headers()

server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print("port", server.server_port, flush=True)
secret = sys.stdin.readline().strip()
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
]],
  js = [[
const secret = new Promise((resolve) => process.stdin.once("data", (line) => resolve(String(line).trim())));
process.stdin.on("end", () => process.exit());
const server = require("node:http").createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const genuine = isGenuine(Buffer.concat(chunks), request.headers["x-api-video-signature"], await secret);
  response.writeHead(genuine ? 204 : 401).end();
});
server.listen(0, "127.0.0.1", () => console.log("port", server.address().port));
]],
}

-- Starts the example of a language in its server. Returns the port, and a function that passes it the secret.
local function start(language, command)
  local path = os.tmpname()
  file.write(path, docs.blocks("docs/guides/events.md", language)[1].code .. SERVERS[language])
  -- The end of the pipe on its standard input ends the program.
  local pipe = assert(io.popen(("exec %s %s > %s.log 2>&1"):format(command, path, path), "w"))
  running.add(function()
    pipe:close()
    os.remove(path)
    os.remove(path .. ".log")
  end)
  local function log() return file.read(path .. ".log") end
  local started, port = pcall(wait_for, function() return log():match "port (%d+)\n" end, "a port", START_TIMEOUT_S)
  assert(started, tostring(port) .. "\n" .. log())
  return port, function(secret)
    pipe:write(secret, "\n")
    pipe:flush()
  end
end

describe("a delivery is verified #process", function()
  after_each(running.stop)

  local function check(language, command)
    if not shell.has(command:match "%S+") then pending(command .. " is not installed") end
    local port, pass_secret = start(language, command)
    local url = ("http://127.0.0.1:%s/webhooks"):format(port)
    local api = running.emulator { max_attempts = 1 }
    local client = apivideo.client { api_key = "key", base_url = api.url }
    local webhook = assert(client.webhooks:create { url = url, events = { RECORDED } })
    local other = assert(client.webhooks:create { url = url, events = { RECORDED } })
    assert.not_equal(webhook.signatureSecret, other.signatureSecret)
    pass_secret(webhook.signatureSecret)

    -- Bytes that change when they are parsed and encoded again.
    local raw = '{ "type":"video.source.recorded", "emittedAt":"2024-08-08T14:12:18Z", "videoId":"vi\195\169\\u00e9" }'
    local statuses = {}
    for _, delivery in ipairs(api:emit(raw)) do statuses[delivery.webhookId] = delivery end
    assert(api:settle(START_TIMEOUT_S))
    assert.equal(204, statuses[webhook.webhookId].attempts[1].status)
    assert.equal(401, statuses[other.webhookId].attempts[1].status, "the secret of another webhook")

    local function status_of(body, signature)
      return assert(http.request { method = "POST", url = url, body = body, timeout = START_TIMEOUT_S,
        headers = { signature and "X-Api-Video-Signature: " .. signature } }).status
    end
    local signature = apivideo.sign(raw, webhook.signatureSecret)
    assert.equal(204, status_of(raw, signature))
    assert.equal(401, status_of(raw .. " ", signature), "another body")
    assert.equal(401, status_of(raw), "no signature")
    for _, malformed in ipairs { "x", signature .. "0", signature:sub(1, -2), ("\195\169"):rep(32) } do
      assert.equal(401, status_of(raw, malformed), malformed)
    end
  end

  it("by the example in Python", function() check("python", "python3") end)
  it("by the example in JavaScript, for Node.js", function() check("js", "node") end)
end)
