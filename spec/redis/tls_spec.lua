-- TLS of the store in Redis: a real server, and certificates that must not be trusted.

local certificates = require "spec.support.certificates"
local redis = require "apivideo.inbox.redis"
local redis_server = require "spec.support.redis"

local missing = redis_server.missing()

describe("TLS to Redis", function()
  if missing then return pending(missing) end

  local authority, server, port

  setup(function()
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1,DNS:localhost")
    authority:openssl "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.crt -days 2 -subj /CN=own"
    server, port = redis_server.start_with_tls(authority)
  end)

  teardown(function()
    server:stop()
    authority:remove()
  end)

  local function open(options)
    return redis { host = options.host, port = options.port or port, tls = true, username = options.username,
      password = options.password, ca_file = options.ca_file or authority:path "ca.crt" }
  end

  local function problem_of(options)
    local store = open(options)
    local stats, err = store:stats()
    store:close()
    assert.is_nil(stats)
    assert.equal("store_unavailable", err.kind)
    return tostring(err)
  end

  it("carries commands and large replies, and is reused", function()
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      local store = open { host = host }
      local raw = ("x"):rep(300000)
      for i = 1, 3 do
        assert(store:put({ { key = host .. i, raw = raw, verified = true, received_at = 1 } }, 20))
      end
      local entries = assert(store:claim(10, 60))
      assert.equal(3, #entries)
      for _, entry in ipairs(entries) do
        assert.is_true(entry.raw == raw)
        assert.is_true(store:complete(entry.id, entry.token))
      end
      assert.equal(1, select(2, server:command("CLIENT", "LIST"):gsub("cmd=evalsha", "")))
      store:close()
    end
  end)

  it("takes a user and a password", function()
    server:command("ACL", "SETUSER", "inbox", "on", ">word", "~*", "+@all")
    local store = open { username = "inbox", password = "word" }
    assert(store:stats())
    store:close()
    assert.truthy(problem_of({ username = "inbox", password = "other" }):find("WRONGPASS", 1, true))
    server:command("ACL", "DELUSER", "inbox")
  end)

  it("trusts no server with a certificate of another authority, or of another host", function()
    assert.truthy(problem_of({ ca_file = authority:path "own.crt" }):find("certificate is not valid", 1, true))
    local problem = problem_of { host = "127.0.0.2" }
    assert.truthy(problem:find("mismatch", 1, true), problem)
    assert.truthy(problem_of({ ca_file = authority:path "none.crt" }):find("ca_file", 1, true))
    assert.truthy(problem_of({ ca_file = authority:path "good.key" }):find("ca_file", 1, true))
  end)

  it("trusts no certificate of another name, and none that has expired", function()
    authority:certify("other", "subjectAltName=DNS:other.example")
    authority:certify("expired", "subjectAltName=DNS:localhost", { from = "20200101000000Z", to = "20200201000000Z" })
    for name, expected in pairs { other = "hostname mismatch", expired = "certificate has expired" } do
      local other = authority:serve(("-cert %s.crt -key good.key"):format(name))
      local problem = problem_of { host = "localhost", port = other }
      assert.truthy(problem:lower():find(expected, 1, true), problem)
    end
  end)

  it("is not spoken by a port without it, nor the other way round", function()
    local problem = problem_of { port = server.port }
    assert.truthy(problem:find("the server does not speak TLS on this port; use its port for TLS", 1, true), problem)
    server:set_password "word"
    local ok
    ok, problem = pcall(problem_of, { port = server.port })
    server:set_password ""
    assert(ok, problem)
    assert.truthy(problem:find("does not speak TLS", 1, true), problem)
    local plain = redis { port = port }
    local stats, err = plain:stats()
    assert.is_nil(stats)
    assert.equal("store_unavailable", err.kind)
  end)

  it("survives a restart of the server", function()
    local store = open {}
    assert(store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20))
    server:crash()
    assert.is_nil((store:stats()))
    server:start()
    assert.is_false(assert(store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20))[1])
    store:close()
  end)
end)
