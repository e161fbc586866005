-- `apivideo doctor`: the account. api.video's hosts are on this machine, behind a proxy.

local api_front = require "spec.support.api_front"
local cjson = require "cjson"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local running = require "spec.support.running"

local unpack = table.unpack or unpack
local CLEAN = "-u APIVIDEO_API_KEY -u APIVIDEO_WEBHOOK_SECRET -u APIVIDEO_STORE XDG_CONFIG_HOME=/nonexistent "

-- Runs `apivideo doctor`. Returns its output and exit status.
local function run(arguments, environment)
  return process.run({ "bin/apivideo", "doctor", unpack(arguments or {}) }, CLEAN .. (environment or ""))
end

local function webhook(id, url, secret)
  return { webhookId = id, url = url, events = { "video.source.recorded" }, createdAt = "2024-01-01T00:00:00+00:00",
    signatureSecret = secret }
end

local function page_of(webhooks)
  return cjson.encode {
    data = #webhooks > 0 and webhooks or cjson.decode "[]",
    pagination = { currentPage = 1, pageSize = 100, pagesTotal = 1, itemsTotal = #webhooks,
      currentPageItems = #webhooks, links = { { rel = "self", uri = "/webhooks" } } },
  }
end

local UNAUTHORIZED = '{"type":"https://docs.api.video/reference/invalid-credentials","title":"Wrong.","status":401}'

describe("apivideo doctor #process", function()
  local front, webhooks, accepts

  setup(function()
    front = api_front.start(function(request, host)
      if not accepts[host] then
        return "401 Unauthorized", "Content-Type: application/problem+json\r\n", UNAUTHORIZED
      end
      return "200 OK", "Content-Type: application/json\r\nDate: " .. os.date "!%a, %d %b %Y %H:%M:%S GMT" .. "\r\n",
        request.line:find "^GET /webhooks%?" and page_of(webhooks)
    end)
  end)
  teardown(function() front.stop() end)
  before_each(function()
    webhooks, accepts = { webhook("webhook_a", "https://example.com/hooks", "sig_sec_a") }, { ["ws.api.video"] = true }
  end)
  after_each(running.stop)

  local function run_at_front(arguments, environment)
    local list = { "--api-key", "k", "--ca-file", front.ca_file, unpack(arguments or {}) }
    return run(list, front.environment .. " " .. (environment or ""))
  end

  it("finds nothing wrong with a good account", function()
    local output, status = run_at_front(nil, "APIVIDEO_WEBHOOK_SECRET=sig_sec_a")
    assert.equal(0, status, output)
    for _, line in ipairs {
      "ok       key: the key is valid at https://ws.api.video\n",
      "ok       clock: it agrees with that of api.video\n",
      "ok       webhooks: 1; an account has at most 10, unless api.video has raised it\n",
      "ok       urls: 1 public, with https; no request was sent to them\n",
      "ok       secrets: the webhook secret of the settings is that of webhook_a\n",
      "ok       secrets: each webhook has one\n",
      "ok       certificates: " .. front.ca_file .. " of --ca-file",
      "\n0 failures, 0 warnings\n",
    } do
      assert.truthy(output:find(line, 1, true), line .. output)
    end
    assert.is_nil(output:find("sig_sec_a", 1, true), output)
  end)

  it("says that a key is one of the other environment", function()
    accepts = { ["sandbox.api.video"] = true }
    local output, status = run_at_front()
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  key: the key is one of sandbox, and was used with production;"
      .. " use --environment sandbox, or a key of production\n", 1, true), output)
    accepts = { ["ws.api.video"] = true }
    output, status = run_at_front { "--environment", "sandbox" }
    assert.equal(1, status, output)
    assert.truthy(output:find("the key is one of production, and was used with sandbox", 1, true), output)
  end)

  it("says that a key is rejected in both environments", function()
    accepts = {}
    local output, status = run_at_front()
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  key: https://ws.api.video rejects the key (401); copy it", 1, true), output)
    assert.truthy(output:find("\n1 failure, 0 warnings\n", 1, true), output)
  end)

  it("finds webhooks that cannot work", function()
    webhooks = {
      webhook("webhook_a", "https://127.0.0.1:8080/", "sig_sec_a"),
      webhook("webhook_b", "http://example.com/", "sig_sec_b"),
      webhook("webhook_c", "https://example.com/\27[31m", nil),
    }
    local output, status = run_at_front(nil, "APIVIDEO_WEBHOOK_SECRET=sig_sec_other")
    assert.equal(1, status, output)
    for _, line in ipairs {
      "failure  urls: api.video cannot reach 127.0.0.1, a loopback address (webhook_a); create the webhook with a",
      "warning  urls: the deliveries to example.com are not encrypted (webhook_b); create the webhook with an https",
      "ok       urls: 1 public, with https; no request was sent to them\n",
      "warning  secrets: webhook_c has no signatureSecret, so its deliveries cannot be verified; create it again",
      "failure  secrets: the webhook secret of the settings (APIVIDEO_WEBHOOK_SECRET, or config.lua) is that of no",
      "\n2 failures, 2 warnings\n",
    } do
      assert.truthy(output:find(line, 1, true), line .. output)
    end
    assert.is_nil(output:find("sig_sec_other", 1, true), output)
    assert.is_nil(output:find("\27", 1, true))
  end)

  it("counts the webhooks", function()
    webhooks = {}
    local output, status = run_at_front()
    assert.equal(0, status, output)
    assert.truthy(output:find("warning  webhooks: the account has no webhook, so nothing is", 1, true), output)
    for i = 1, 10 do webhooks[i] = webhook("webhook_" .. i, "https://example.com/", "sig_sec_a") end
    output, status = run_at_front()
    assert.equal(0, status, output)
    assert.truthy(output:find("warning  webhooks: 10 of 10: api.video rejects another one; delete", 1, true), output)
    webhooks[11] = webhook("webhook_11", "https://example.com/", "sig_sec_a")
    output, status = run_at_front()
    assert.equal(0, status, output)
    assert.truthy(output:find("ok       webhooks: 11; ", 1, true), output)
  end)

  it("does not check the URLs of a local api.video, and tries no other environment there", function()
    webhooks = { webhook("webhook_a", "http://127.0.0.1:8080/", "sig_sec_a") }
    local status_line = "200 OK"
    local p = running.serving(function()
      return status_line, "Content-Type: application/json\r\n", page_of(webhooks)
    end)
    local output, status = run { "--api-key", "k", "--base-url", p.url }
    assert.equal(0, status, output)
    assert.is_nil(output:find("urls:", 1, true), output)
    status_line = "401 Unauthorized"
    local requests = #front.requests
    output, status = run({ "--api-key", "k", "--base-url", p.url, "--ca-file", front.ca_file }, front.environment)
    assert.equal(1, status, output)
    assert.truthy(output:find(p.url .. " rejects the key (401)", 1, true), output)
    assert.equal(requests, #front.requests)
  end)

  it("compares the clock with the date of the response, that of an error included", function()
    for offset, expected in pairs { [-7200] = "7[12]%d%d s ahead of", [7200] = "7[12]%d%d s behind" } do
      for _, line in ipairs { "200 OK", "500 Internal Server Error" } do
        local p = running.serving(function()
          return line, "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + offset)
            .. "\r\nContent-Type: application/json\r\n", page_of(webhooks)
        end)
        local output = run { "--api-key", "k", "--base-url", p.url }
        assert.truthy(output:find("warning  clock: it is " .. expected .. " that of api.video; synchronize"), output)
      end
    end
  end)

  it("only warns without a key, and fails with one that cannot be used", function()
    local output, status = run()
    assert.equal(0, status, output)
    assert.truthy(output:find("warning  key: no API key, so the account is not checked; use --api-key, set", 1, true))
    output, status = run({}, "APIVIDEO_API_KEY='k '")
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  key: APIVIDEO_API_KEY must not end in whitespace", 1, true), output)
    output, status = run({}, "APIVIDEO_WEBHOOK_SECRET='k '")
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  secrets: APIVIDEO_WEBHOOK_SECRET must not end in whitespace", 1, true), output)
  end)

  it("says why api.video cannot be reached", function()
    local p = peer.responding "200 OK"
    p.stop()
    local output, status = run { "--api-key", "k", "--base-url", p.url }
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  key: [^\n]*network[^\n]*; check the network and the proxy\n"), output)
    output, status = run({ "--api-key", "k" }, front.environment) -- the system's certificates
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  key: [^\n]*tls[^\n]*; check the certificates; a company's own"), output)
  end)

  it("prints JSON, of bytes that are not UTF-8, too", function()
    local p = running.serving(function()
      return "200 OK", "Content-Type: application/json\r\n", page_of(webhooks)
    end)
    local output, status = run({ "--json", "--api-key", "k", "--base-url", p.url }, "http_proxy='http://\255\n'")
    local last
    for line in output:gmatch "[^\n]+" do
      last = cjson.decode(line)
      if not last.failures then assert.truthy(last.check and last.status and last.message, line) end
      assert.equal(last.status == "failure" or last.status == "warning", last.remedy ~= nil, line)
    end
    assert.equal(last.failures > 0 and 1 or 0, status)
    assert.is_nil(output:find("\255", 1, true))
  end)

  it("rejects wrong arguments", function()
    for _, case in ipairs {
      { { "--store", "mysql:x" }, "--store must be sqlite:PATH or redis://HOST:PORT/DATABASE, got 'mysql:***'" },
      { { "--environment", "test" }, "--environment must be production or sandbox, got 'test'" },
      { { "extra" }, "unexpected argument 'extra'" },
    } do
      local output, status = run(case[1])
      assert.equal(2, status, output)
      assert.equal(1, output:find("apivideo: " .. case[2], 1, true), output)
    end
  end)
end)
