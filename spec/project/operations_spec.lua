-- The configurations and commands of docs/guides/operations.md, as they are written there but for paths, names and
-- ports.

local apivideo = require "apivideo"
local certificates = require "spec.support.certificates"
local cjson = require "cjson"
local compile = require "spec.support.compile"
local core = require "apivideo.core"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local nginx_lua = require "spec.support.nginx_lua"
local receiver_process = require "spec.support.receiver_process"
local running = require "spec.support.running"
local sqlite = require "apivideo.inbox.sqlite"
local wait_for = require "spec.support.wait"

local PAGE = "docs/guides/operations.md"

-- The block of the guide that contains a text.
local function block(language, part)
  for _, candidate in ipairs(docs.blocks(PAGE, language)) do
    if candidate.code:find(part, 1, true) then return candidate.code end
  end
  error(("%s: no block of %s with %s"):format(PAGE, language, part))
end

local function replaced(text, old, new)
  local from, to = text:find(old, 1, true)
  assert(from, old)
  local rest = text:sub(to + 1)
  if rest:find(old, 1, true) then rest = replaced(rest, old, new) end
  return text:sub(1, from - 1) .. new .. rest
end

describe("the guide for operators #process", function()
  after_each(running.stop)

  describe("has TLS in front of a receiver with", function()
    local authority, receiver

    before_each(function()
      authority = certificates.new()
      running.add(function() authority:remove() end)
      authority:issue("front", "IP:127.0.0.1")
      receiver = receiver_process.start()
      running.add(function() receiver:stop() end)
    end)

    -- Sends a signed delivery, and a request for another path, through the front.
    local function assert_passes_deliveries_only(port)
      local body, lines = receiver_process.event()
      local function status_of(path)
        local response, err = http.request { method = "POST", url = ("https://127.0.0.1:%d%s"):format(port, path),
          headers = lines, body = body, timeout = 10, ca_file = authority:path "ca.crt" }
        return response and response.status or tostring(err)
      end
      assert.equal(204, wait_for(function()
        local status = status_of "/webhooks"
        return type(status) == "number" and status
      end, "the front"))
      assert.not_equal(204, status_of "/metrics")
    end

    it("nginx", function()
      if nginx_lua.missing() then pending(nginx_lua.missing()) end
      local port = free_port()
      local server = block("nginx", "listen 443 ssl")
      server = replaced(server, "listen 443", ("listen 127.0.0.1:%d"):format(port))
      server = replaced(server, "127.0.0.1:8080", "127.0.0.1:" .. receiver.port)
      server = replaced(server, "/etc/letsencrypt/live/hooks.example.com/fullchain.pem", authority:path "front.crt")
      server = replaced(server, "/etc/letsencrypt/live/hooks.example.com/privkey.pem", authority:path "front.key")
      local nginx = nginx_lua.start { http = server }
      running.add(function() nginx:stop() end)
      assert_passes_deliveries_only(port)
    end)

    it("Caddy", function()
      if compile.run("command -v caddy 2>&1") == "" then pending "caddy is not installed" end
      local port, home = free_port(), running.directory()
      local site = replaced(block("caddyfile", "reverse_proxy"), "127.0.0.1:8080", "127.0.0.1:" .. receiver.port)
      site = replaced(site, "hooks.example.com {", ("https://127.0.0.1:%d {\n\ttls %s %s"):format(port,
        authority:path "front.crt", authority:path "front.key"))
      file.write(home .. "/Caddyfile", "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" .. site)
      local pipe = assert(io.popen(("cd %s; exec 3<&0; HOME=%s caddy run --config Caddyfile > log 2>&1 < /dev/null &"
        .. " pid=$!; cat <&3 > /dev/null; kill -KILL $pid 2> /dev/null"):format(home, home), "w"))
      running.add(function() pipe:close() end) -- which ends Caddy
      assert_passes_deliveries_only(port)
    end)
  end)

  -- Puts events into the inbox of a file until it is killed, and prints the id of each that is stored.
  local WRITER = [[
    local apivideo, cjson = require "apivideo", require "cjson"
    local inbox = apivideo.inbox { store = require "apivideo.inbox.sqlite" { path = %q } }
    local receiver = apivideo.receiver { inbox = inbox, unsigned = true }
    io.stdout:setvbuf "line"
    for i = 1, math.huge do
      local event = apivideo.events:sample "video.source.recorded"
      event.videoId = ("vi%%d"):format(i)
      local headers = { ["content-type"] = "application/json" }
      assert(receiver:receive { method = "POST", headers = headers, body = cjson.encode(event) } == 204)
      print(event.videoId)
    end]]

  it("backs up an inbox while it is written, and restores it", function()
    if compile.run("command -v sqlite3 2>&1") == "" then pending "sqlite3 is not installed" end
    local home = running.directory()
    local path, copy = home .. "/inbox.db", home .. "/copy.db"
    local function run(script)
      for line in block("sh", script):gmatch "[^\n]+" do
        if not line:find "^systemctl" then
          line = line:gsub("/var/lib/apivideo/app/inbox%.db", path):gsub("/var/backups/inbox%.db", copy)
            :gsub("/var/lib/apivideo/app", home)
          assert.equal("", compile.run(line .. " 2>&1"))
        end
      end
    end

    local writer = running.process { "-e", WRITER:format(path) }
    writer:wait_for "vi50\n"
    local before = tonumber(writer:output():match ".*vi(%d+)\n")
    run "VACUUM INTO"
    local output = running.finish(writer, "KILL")
    assert.is_true(tonumber(output:match ".*vi(%d+)\n") > before, "nothing was written during the backup")
    local is_root = compile.run "id -u" == "0\n"
    if is_root then compile.run("chown daemon " .. home) end -- the user of the program
    os.remove(path)
    run "systemctl start"
    assert.equal(is_root and "daemon" or (core.owner(home)), (core.owner(path)))

    local inbox, found = apivideo.inbox { store = sqlite { path = path } }, {}
    running.add(function() inbox:close() end)
    for line in inbox:export() do found[cjson.decode(cjson.decode(line).raw).videoId] = true end
    for i = 1, before do assert.is_true(found["vi" .. i], "vi" .. i) end
    assert.equal(204, apivideo.receiver({ inbox = inbox, unsigned = true }):receive {
      method = "POST", headers = {}, body = cjson.encode(apivideo.events:sample "video.source.recorded"),
    })
  end)
end)
