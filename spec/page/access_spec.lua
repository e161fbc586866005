local apivideo = require "apivideo"
local pages = require "spec.support.page"
local stderr = require "spec.support.stderr"

local TOKEN = "a-token-of-the-specs"

describe("access to the page", function()
  before_each(function() stderr.catch() end)
  after_each(function() stderr.release() end)

  local function status_of(page, method, path, headers, more)
    local body, status = pages.call(page, method, path, headers, more)
    return status, type(body) == "table" and body.error and body.error.message or body
  end

  describe("without a token", function()
    it("is for clients of this machine", function()
      local page = pages.new()
      for _, peer in ipairs { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1" } do
        assert.equal(200, (status_of(page, "GET", "/", nil, { peer = peer })))
        assert.equal(200, (status_of(page, "GET", "/api/deliveries", nil, { peer = peer })))
      end
      for _, peer in ipairs { "192.168.0.7", "1.127.0.0.1", "127.0.0.1.example.com", "::2", "unix:", "" } do
        for _, path in ipairs { "/", "/api/state", "/api/deliveries", "/x" } do
          local status, message = status_of(page, "GET", path, nil, { peer = peer })
          assert.equal(403, status)
          assert.matches("token = true", message)
        end
      end
    end)

    it("is not for a request without the client's address", function()
      local request = pages.request("GET", "/")
      request.peer = nil
      assert.equal(403, (pages.new():receive(request)))
    end)

    it("rejects names that DNS could redirect here (rebinding)", function()
      local page = pages.new()
      for _, host in ipairs { "127.0.0.1", "127.0.0.1:9000", "localhost", "localhost:9000", "[::1]:9000", "[::1]" } do
        assert.equal(200, (status_of(page, "GET", "/api/state", { Host = host })), host)
      end
      for _, host in ipairs { "attacker.example", "attacker.example:9000", "127.0.0.1.attacker.example",
        "localhost.example",
        "", "[::2]", "127.0.0.1@attacker.example" } do
        local status, message = status_of(page, "GET", "/api/state", { Host = host })
        assert.equal(403, status, host)
        assert.matches("Host header", message)
      end
      assert.equal(403, (status_of(page, "GET", "/", { Host = false })))
      assert.equal(403, (status_of(page, "GET", "/", { Host = { "127.0.0.1", "attacker.example" } })))
    end)

    it("rejects requests that a proxy or a tunnel forwards", function()
      local page = pages.new()
      for _, name in ipairs { "X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP",
        "Via", "x-client-ip", "True-Client-IP", "CF-Connecting-IP" } do
        assert.equal(403, (status_of(page, "GET", "/", { [name] = "x" })), name)
      end
    end)
  end)

  describe("with a token", function()
    local page
    before_each(function() page = pages.new { token = TOKEN, write = true } end)

    local REMOTE = { peer = "192.168.0.7" }

    it("needs it from every client", function()
      for _, peer in ipairs { "192.168.0.7", "127.0.0.1" } do
        for _, path in ipairs { "/api/state", "/api/state?token=" .. TOKEN, "/x" } do
          assert.equal(401, (status_of(page, "GET", path, nil, { peer = peer })), path)
        end
      end
      assert.equal(401, (status_of(page, "POST", "/api/deliveries/1/replay?token=" .. TOKEN, nil, REMOTE)))
    end)

    it("has a document without data for every client, and no cookie", function()
      local body, status, list = pages.call(page, "GET", "/", { Host = "page.example" }, REMOTE)
      assert.equal(200, status)
      assert.is_nil(list["Set-Cookie"])
      assert.is_nil(body:find(TOKEN, 1, true))
    end)

    it("takes it from the header that the script sends", function()
      assert.equal(200, (status_of(page, "GET", "/api/state", { ["X-Apivideo-Token"] = TOKEN }, REMOTE)))
      for _, value in ipairs { "", TOKEN .. "x", TOKEN:sub(1, -2), { TOKEN, TOKEN } } do
        assert.equal(401, (status_of(page, "GET", "/api/state", { ["X-Apivideo-Token"] = value }, REMOTE)))
      end
    end)

    it("takes it from the Authorization header", function()
      assert.equal(200, (status_of(page, "GET", "/api/state", { Authorization = "Bearer " .. TOKEN }, REMOTE)))
      for _, value in ipairs { "Bearer wrong", "Basic " .. TOKEN, TOKEN, "Bearer", "Bearer " } do
        assert.equal(401, (status_of(page, "GET", "/api/state", { Authorization = value }, REMOTE)), value)
      end
    end)

    it("is random on demand, in the URL of the page, and not in its text", function()
      local one, other = pages.new { token = true }, pages.new { token = true }
      local url = one:url "http://10.0.0.1:9000/"
      local token = url:match "^http://10%.0%.0%.1:9000/#token=(%x+)$"
      assert.equal(32, #token)
      assert.not_equal(url, other:url "http://10.0.0.1:9000")
      assert.equal(200, (status_of(one, "GET", "/api/state", { ["X-Apivideo-Token"] = token }, REMOTE)))
      assert.equal(401, (status_of(other, "GET", "/api/state", { ["X-Apivideo-Token"] = token }, REMOTE)))
      assert.is_nil(tostring(one):find(token, 1, true))
      for _, value in pairs(one) do assert.not_equal(token, value) end
      assert.equal("http://127.0.0.1:9000/", (pages.new():url "http://127.0.0.1:9000"))
    end)
  end)

  describe("to what changes something", function()
    it("needs the option write", function()
      local page, receiver = pages.new { write = false }
      pages.deliver(receiver)
      for _, path in ipairs { "deliveries/1/replay?to=receiver", "deliveries/1/resend?to=receiver", "inbox/pause" } do
        local status, message = status_of(page, "POST", "/api/" .. path)
        assert.equal(403, status)
        assert.matches("write = true", message)
      end
      assert.equal(1, (pages.call(page, "GET", "/api/deliveries")).last)
    end)

    it("needs a header that other sites cannot send", function()
      local page, receiver = pages.new { write = true }
      pages.deliver(receiver)
      for _, value in ipairs { false, "0", "" } do
        local path, headers = "/api/deliveries/1/replay?to=receiver", { ["X-Apivideo-Page"] = value }
        assert.equal(403, (status_of(page, "POST", path, headers)))
        assert.equal(403, (status_of(page, "PUT", path, headers)))
        assert.equal(403, (status_of(page, "DELETE", "/", headers)))
      end
    end)

    it("rejects a request whose method is not GET or HEAD", function()
      local page = pages.new { write = true }
      for _, method in ipairs { "POST", "PUT", "DELETE", "OPTIONS", "get" } do
        assert.equal(405, (status_of(page, method, "/", { ["X-Apivideo-Page"] = "1" })), method)
      end
    end)

    it("rejects the requests of other sites", function()
      local page, receiver = pages.new { write = true }
      pages.deliver(receiver)
      local path = "/api/deliveries/1/replay?to=receiver"
      for _, headers in ipairs {
        { Origin = "http://attacker.example" }, { Origin = "null" }, { Origin = "http://127.0.0.1:9001" },
        { Origin = "file://" .. pages.HOST }, { Origin = "" }, { ["Sec-Fetch-Site"] = "cross-site" },
        { ["Sec-Fetch-Site"] = { "cross-site", "same-origin" } },
        { ["Sec-Fetch-Site"] = "same-site", Origin = "http://" .. pages.HOST } } do
        assert.equal(403, (status_of(page, "POST", path, headers)))
        assert.equal(403, (status_of(page, "GET", "/api/deliveries", headers)))
      end
      for _, headers in ipairs { {}, { Origin = "http://" .. pages.HOST, ["Sec-Fetch-Site"] = "same-origin" } } do
        assert.equal(200, (status_of(page, "POST", path, headers)))
      end
      assert.equal(200, (status_of(page, "GET", "/", { ["Sec-Fetch-Site"] = "cross-site" }))) -- a link
    end)
  end)

  describe("restricted by headers", function()
    it("has a policy with a new nonce for each page, and none for anything else", function()
      local page = pages.new()
      local seen = {}
      for _ = 1, 2 do
        local body, _, list = pages.call(page, "GET", "/")
        local policy = list["Content-Security-Policy"]
        local nonce = policy:match "script%-src 'nonce%-(%x+)';"
        assert.is_nil(seen[nonce])
        seen[nonce] = true
        assert.is_nil(policy:find("unsafe", 1, true))
        assert.truthy(policy:find("default-src 'none'", 1, true))
        assert.truthy(policy:find("frame-ancestors 'none'", 1, true))
        assert.truthy(policy:find("require-trusted-types-for 'script'", 1, true))
        assert.truthy(body:find('<script nonce="' .. nonce .. '">', 1, true))
        assert.truthy(body:find('<style nonce="' .. nonce .. '">', 1, true))
      end
    end)

    it("forbids caches, frames, sniffing, referrers and other origins on each response", function()
      local page, receiver = pages.new { token = TOKEN, write = true }
      pages.deliver(receiver)
      local bearer = { Authorization = "Bearer " .. TOKEN }
      for _, path in ipairs { "/", "/x", "/api/state", "/api/deliveries/1", "/api/deliveries/1/body",
        "/api/deliveries/1/curl", "/api/deliveries/2", "/api/x" } do
        for _, headers in ipairs { bearer, {} } do
          local _, _, list = pages.call(page, "GET", path, headers)
          assert.equal("no-store", list["Cache-Control"])
          assert.equal("nosniff", list["X-Content-Type-Options"])
          assert.equal("no-referrer", list["Referrer-Policy"])
          assert.equal("DENY", list["X-Frame-Options"])
          assert.equal("same-origin", list["Cross-Origin-Resource-Policy"])
          assert.matches("frame%-ancestors 'none'", list["Content-Security-Policy"])
          assert.is_nil(list["Access-Control-Allow-Origin"])
        end
      end
    end)
  end)

  it("is not through the receiver", function()
    local _, receiver = pages.new()
    for _, path in ipairs { "/", "/api/deliveries" } do
      local status, _, body = receiver:receive(pages.request("GET", path))
      assert.same({ 405, "" }, { status, body })
    end
  end)

  it("raises for misuse", function()
    for message, options in pairs {
      ['option "receiver" is required'] = {}, ['"receiver" must come from'] = { receiver = {} },
      ['"inbox" must come from'] = { inbox = {} }, ["at least 16"] = { receiver = true, token = "short" },
      ["http:// or https://"] = { receiver = true, forward_to = "ftp://x" } } do
      if options.receiver == true then options.receiver = select(2, pages.new()) end
      assert.error_matches(function() apivideo.page(options) end, message)
    end
    local page = pages.new()
    assert.error_matches(function() page.receive {} end, "page:receive: call it with a colon")
    assert.error_matches(function() page:receive { method = "GET", headers = {} } end, "path must be a string")
    assert.error_matches(function() page:nginx() end, "page:nginx: this is not nginx; pass the request to page:receive")
  end)
end)
