-- Urls that api.video cannot reach: in which notations they are recognised, and which functions reject them.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local misuse = require "spec.support.misuse"
local private_url = require "apivideo.resources.webhooks.private_url"
local running = require "spec.support.running"

local EVENTS = { "video.source.recorded" }

-- Hosts by what they are.
local PRIVATE = {
  ["a loopback address"] = {
    "127.0.0.1", "127.255.255.254", "127.0.0.1:8080", "127.0.0.1.",
    "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F000001", "0X7f.1", "017700000001", "0177.0.0.1",
    "0x7f.0.0.0x1", "127.0x0.00.01", "0000000000000000177.1", "0x000000000000007f.1", "127.65535", "127.0.65535",
    "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[0000:0000::0001]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::1%25lo]",
    "%31%32%37.0.0.1", "127%2e0%2E0%2e1", "user@127.0.0.1", "example.com@127.0.0.1", "a:b@c@127.0.0.1:1",
  },
  ["an unspecified address"] = { "0.0.0.0", "0", "0x0", "00.0", "0.1.2.3", "[::]", "[::0.0.0.0]", "[::ffff:0:0]" },
  ["an address of a private network"] = {
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "10.1", "167772161",
    "0xa.1", "012.0.0.1", "0xC0A80001", "192.168.257", "3232235521",
    "[fc00::1]", "[fd12:3456:789a::1]", "[FDFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff]", "[::ffff:192.168.0.1]",
    "[::ffff:c0a8:1]", "[::ffff:a00:1]",
  },
  ["a link-local address"] = {
    "169.254.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "[fe80::1]", "[fe80::1%25eth0]", "[FEBF::1]",
    "[::ffff:169.254.169.254]",
  },
  ["a carrier-grade NAT address"] = { "100.64.0.1", "100.127.255.255", "0x64.0x40.1", "[::ffff:100.64.0.1]" },
  ["a local name"] = {
    "localhost", "LOCALHOST", "localhost.", "localhost:3000", "app.localhost", "printer.local", "Mac.Local.",
    "metadata.google.internal", "db.internal", "%6c%6Fcalhost", "user:password@localhost", "localh%6fst:80",
  },
  ["a name without a domain"] = { "app", "my-server:8080", "app.", "4294967296", "08", "0x1ffffffff", "0x" },
}

local PUBLIC = {
  "example.com", "EXAMPLE.com:8443", "example.com.", "hooks.example.co.uk", "xn--bcher-kva.example",
  "8.8.8.8", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.0",
  "192.167.255.255", "192.169.0.1", "169.253.255.255", "169.255.0.0", "100.63.255.255", "100.128.0.0", "1.0.0.0",
  "0x8080808", "134744072", "010.8.8.8",
  "[2001:db8::1]", "[2606:4700::1111]", "[fbff::1]", "[fe00::1]", "[fec0::1]", "[::ffff:8.8.8.8]", "[::2:0:0:1]",
  "[1::]", "[1::127.0.0.1]", "[::1:0:0:0:1]",
  "localhost.example.com", "local.example", "internal.example", "notlocalhost.com", "mylocal.com", "a.b.localhosts",
  "127.0.0.1.example.com", "10.example.com", "127.0.0.1.nip.io", "127.0.0.0x1g", "127.0.0.1.5.6", "256.0.0.1",
  "127.0.0.256", "127.0.65536", "127.16777216", "127..1", "127.0.0.08", "127.0.0.-1",
  "localhost@example.com", "127.0.0.1@example.com", "127.0.0.1:80@example.com",
  "[", "[]", "[1]", "[:::]", "[::1::]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7]", "[::12345]", "[::g]",
  "[::1.2.3]", "[::256.0.0.1]", "[1:2:3:4:5:6:7:8::]", "[127.0.0.1]",
}

describe("a url of a private network", function()
  after_each(running.stop)

  for what, hosts in pairs(PRIVATE) do
    it("is recognised: " .. what, function()
      for _, host in ipairs(hosts) do
        for _, url in ipairs { "http://" .. host, "https://" .. host .. "/webhooks?a=b@example.com",
          "HTTPS://" .. host .. "#x", "http:///" .. host .. "/" } do
          assert.equal(what, (private_url.kind(url)), url)
        end
      end
    end)
  end

  it("is not found in a public one", function()
    for _, host in ipairs(PUBLIC) do
      for _, url in ipairs { "http://" .. host, "https://" .. host .. "/@127.0.0.1/",
        "https://" .. host .. "?@localhost", "https://" .. host .. "#@localhost" } do
        assert.is_nil((private_url.kind(url)), url)
      end
    end
  end)

  it("is recognised where programs differ about a backslash", function()
    for _, url in ipairs { "http://127.0.0.1\\@example.com/", "http://example.com\\@127.0.0.1/" } do
      assert.equal("a host with a backslash", (private_url.kind(url)), url)
    end
  end)

  -- A client of an api.video with a public name, which is reached through a proxy.
  local function real()
    local proxy = running.serving(function(request)
      if request.line:find "^GET" then return "200 OK", nil, '{"data":[],"pagination":{}}' end
      return "200 OK", nil, (request.body:gsub("^{", '{"webhookId":"webhook_1",'))
    end)
    return client_of("http://api.example", { proxy = proxy.url }), proxy
  end

  it("is rejected by create and sync before anything is sent", function()
    local client, proxy = real()
    for _, url in ipairs { "http://127.0.0.1:8080/webhooks", "https://10.1/", "http://[::ffff:7f00:1]/",
      "https://app.local/" } do
      local created = misuse(function() return (client.webhooks:create { url = url, events = EVENTS }) end)
      local synced = misuse(function()
        return (client.webhooks:sync {
          { url = "https://example.com/", events = EVENTS }, { url = url, events = EVENTS },
        })
      end)
      for where, message in pairs { ["webhooks:create"] = created, ["webhooks:sync"] = synced } do
        assert.truthy(message:find(where .. ': option "url": api.video cannot reach ', 1, true), message)
        assert.truthy(message:find("a tunnel to this machine", 1, true), message)
        assert.truthy(message:find("allow_private = true", 1, true), message)
      end
    end
    assert.equal(0, proxy.connections)
  end)

  it("is named in the message without its user and password", function()
    local client = real()
    local message = misuse(function()
      return (client.webhooks:create { url = "http://user:password@LOCALHOST:8080/path", events = EVENTS })
    end)
    assert.truthy(message:find("cannot reach LOCALHOST, a local name", 1, true), message)
    assert.is_nil(message:find("password", 1, true))
  end)

  it("is rejected by the clients of both environments", function()
    for _, environment in ipairs { "production", "sandbox" } do
      local client = apivideo.client { api_key = "key", environment = environment }
      assert.truthy(misuse(function()
        return (client.webhooks:create { url = "http://localhost/", events = EVENTS })
      end):find("api.video cannot reach localhost", 1, true))
    end
  end)

  it("is allowed with allow_private, and a public one without it", function()
    local client, proxy = real()
    local wanted = { url = "http://127.0.0.1:8080/", events = EVENTS }
    assert.equal("webhook_1", assert(client.webhooks:create(wanted, { allow_private = true })).webhookId)
    assert.equal(1, #assert(client.webhooks:sync({ wanted }, { allow_private = true })).created)
    assert(client.webhooks:create { url = "https://example.com/", events = EVENTS })
    assert.equal(1, #assert(client.webhooks:sync { { url = "https://example.com/", events = EVENTS } }).created)
    assert.equal(6, #proxy.requests)
    for fn, argument in pairs { create = wanted, sync = { wanted } } do
      assert.truthy(misuse(function()
        return (client.webhooks[fn](client.webhooks, argument, { allow_private = 1 }))
      end):find('"allow_private" must be a boolean', 1, true))
    end
  end)

  it("is allowed at an api.video that is itself on such a network", function()
    local p = running.serving(function()
      return "200 OK", nil, '{"webhookId":"webhook_1","url":"http://localhost/","events":["video.source.recorded"]}'
    end)
    assert(client_of(p.url).webhooks:create { url = "http://localhost/", events = EVENTS })
    for _, base_url in ipairs { "http://emulator:8100", "http://[::1]:8100", "http://10.0.0.1" } do
      local client = client_of(base_url, { proxy = p.url })
      assert(client.webhooks:create { url = "http://localhost/", events = EVENTS })
    end
  end)

  it("of an existing webhook is kept by rotate", function()
    local client = client_of("http://api.example", { proxy = running.serving(function(request)
      local id = request.line:find "webhook_old" and "old" or "new"
      return "200 OK", nil, ('{"webhookId":"webhook_%s","url":"http://localhost/","events":["video.source.recorded"]}')
        :format(id)
    end).url })
    assert.equal("webhook_new", assert(client.webhooks:rotate("webhook_old", { overlap = 0 })).webhookId)
  end)
end)
