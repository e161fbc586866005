-- The User-Agent and api.video's AV-Origin headers, as documented.

local apivideo = require "apivideo"
local locale = require "spec.support.locale"
local misuse = require "spec.support.misuse"
local objects = require "apivideo.resources.objects"
local peer = require "spec.support.peer"
local tables = require "apivideo.util.tables"
local user_agent = require "apivideo.client.user_agent"
local version = require "apivideo.version"

describe("user agent", function()
  local p

  before_each(function() p = peer.responding("200 OK", nil, '{"data":[],"access_token":"t"}') end)
  after_each(function() p.stop() end)

  local function client_of(more)
    local options = tables.merge({ api_key = "key", base_url = p.url, timeout = 60, retries = 0 }, more)
    return (apivideo.client(options)) -- no tail call: misuse is to name this file
  end

  local function identities(more)
    assert(client_of(more).videos:list())
    local request = p.requests[#p.requests]
    return { agent = peer.values(request, "User-Agent"), client = peer.values(request, "AV-Origin-Client"),
      app = peer.values(request, "AV-Origin-App"), sdk = peer.values(request, "AV-Origin-Sdk") }
  end

  local AGENT, CLIENT = "apivideo-lua/" .. version, "lua:" .. version

  it("is the library's, each header once", function()
    assert.same({ agent = { AGENT }, client = { CLIENT }, app = {}, sdk = {} }, identities {})
  end)

  it("names the application and the SDK, too", function()
    assert.same({ agent = { AGENT .. " my_app-1/1.2.3" }, client = { CLIENT }, app = { "my_app-1:1.2.3" }, sdk = {} },
      identities { app = { name = "my_app-1", version = "1.2.3" } })
    assert.same({ agent = { AGENT }, client = { CLIENT }, app = {}, sdk = { "Kit:4" } },
      identities { sdk = { name = "Kit", version = "4" } })
    assert.same({ agent = { AGENT .. " a/0" }, client = { CLIENT }, app = { "a:0" }, sdk = { "b:999.999.999" } },
      identities { app = { name = "a", version = "0" }, sdk = { name = "b", version = "999.999.999" } })
  end)

  it("is sent with every request", function()
    local client = client_of { app = { name = "app", version = "1.0" }, sdk = { name = "kit", version = "2.0" },
      auth = "bearer" }
    client:request("POST", "/x", { body = {} })
    client:request("DELETE", "/x")
    client.captions:list("vi1")
    assert.equal(4, #p.requests)
    assert.equal("POST /auth/api-key HTTP/1.1", p.requests[1].line)
    for _, request in ipairs(p.requests) do
      assert.same({ AGENT .. " app/1.0" }, peer.values(request, "User-Agent"))
      assert.same({ CLIENT }, peer.values(request, "AV-Origin-Client"))
      assert.same({ "app:1.0" }, peer.values(request, "AV-Origin-App"))
      assert.same({ "kit:2.0" }, peer.values(request, "AV-Origin-Sdk"))
      assert.same({ "application/json" }, peer.values(request, "Accept"))
    end
  end)

  it("has a version of the documented form", function()
    local major, minor, patch = version:match("^(%d+)%.(%d+)%.(%d+)$")
    assert.truthy(major and minor and patch, version)
    assert.is_true(#major <= 3 and #minor <= 3 and #patch <= 3)
  end)

  local function message_of(options)
    return misuse(function() return (client_of(options)) end)
  end

  local names = {
    right = { "a", "A-z_0", "-", "_", "0", ("x"):rep(50) },
    wrong = { "", " ", "a b", "a.b", "a:b", "a/b", "é", "a\r\nX: y", "a\n", "a\0", ("x"):rep(51), 5, true, {} },
  }
  local versions = {
    right = { "1", "12", "123", "0", "000", "1.0", "1.2.3", "123.456.789", "0.0.0" },
    wrong = { "", "1234", "1.", ".1", "1..2", "1.2.", "1.2.3.", "1.2.3.4", "1.2345", "v1", "1.0-beta", "1.a", "a", "1 ",
      "1\n", "1.2\r\nX: y", "-1", "1,0", 1, 1.5, true, {} },
  }

  for _, option in ipairs { "app", "sdk" } do
    it("accepts names and versions of " .. option .. " that are as documented", function()
      for _, name in ipairs(names.right) do
        assert.same({ name .. ":1.0" }, identities({ [option] = { name = name, version = "1.0" } })[option])
      end
      for _, number in ipairs(versions.right) do
        assert.same({ "name:" .. number }, identities({ [option] = { name = "name", version = number } })[option])
      end
    end)

    it("rejects other names and versions of " .. option, function()
      for _, name in ipairs(names.wrong) do
        assert.truthy(message_of({ [option] = { name = name, version = "1.0" } })
          :find(('client: option "%s.name" must be 1 to 50 letters, digits, "_" or "-"'):format(option), 1, true))
      end
      for _, number in ipairs(versions.wrong) do
        assert.truthy(message_of({ [option] = { name = "name", version = number } })
          :find(('client: option "%s.version" must be a string such as "1", "1.0" or "1.0.12"'):format(option), 1,
            true))
      end
      assert.equal(0, p.connections)
    end)

    it("requires the name and the version of " .. option .. ", and nothing else", function()
      assert.truthy(message_of({ [option] = { name = "name" } }):find(option .. ".version", 1, true))
      assert.truthy(message_of({ [option] = { version = "1.0" } }):find(option .. ".name", 1, true))
      assert.truthy(message_of({ [option] = {} }):find(option .. ".name", 1, true))
      assert.truthy(message_of({ [option] = { name = "name", version = "1.0", url = "x" } })
        :find(('option "%s" must have only name and version, got "url"'):format(option), 1, true))
      assert.truthy(message_of({ [option] = "name:1.0" }):find(('"%s" must be a table'):format(option), 1, true))
    end)
  end

  it("cannot be set as a header", function()
    for header, use in pairs { ["User-Agent"] = "app", ["user-agent"] = "app", ["AV-Origin-App"] = "app",
      ["av-origin-sdk"] = "sdk", ["AV-Origin-Client"] = "app or sdk" } do
      local err = message_of { headers = { [header] = "x" } }
      local text = ('the header "%s" is set by the library; use the option %s'):format(header, use)
      assert.truthy(err:find(text, 1, true), err)
    end
  end)

  it("has ASCII letters only, like ids, in every locale", function()
    local done = locale.within("de_DE.ISO-8859-1", function()
      assert.is_nil((objects.check_id("videos:get", "videoId", "vi\233")))
      assert.is_string(user_agent.problem("app", { name = "caf\233", version = "1" }))
    end)
    if not done then pending "localedef cannot make de_DE.ISO-8859-1" end
  end)
end)
