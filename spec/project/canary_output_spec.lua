-- No secret is written by the command, into stores, and into nginx's error log.

local apivideo = require "apivideo"
local canary = require "spec.support.canary"
local file = require "spec.support.file"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local running = require "spec.support.running"
local wait_for = require "spec.support.wait"

local unpack = table.unpack or unpack

local QUALITY = "video.encoding.quality.completed"
local BODY = '{"type":"video.source.recorded","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi1","liveStreamId":"li1"}'
local SIGNATURE = apivideo.sign(BODY, canary.SECRET)

local function shows_none(value, name)
  local found = canary.find(value, name)
  assert.is_nil(found, found)
end

describe("no secret appears in the command's output #process", function()
  local environment = "APIVIDEO_API_KEY='" .. canary.TOKEN .. "'"

  after_each(running.stop)

  local function start(...) return process.start({ "bin/apivideo", ... }, environment) end

  local function assert_silent(status, ...)
    local output, got = start(...):finish()
    shows_none(output, table.concat({ ... }, " "))
    assert.equal(status, got, output)
  end

  it("on a usage error", function()
    for _, arguments in ipairs {
      { canary.SECRET }, { "listen", canary.SECRET }, { "listen", "--port", canary.SECRET },
      { "listen", "--api-key", canary.KEY .. "\n" }, { "listen", "--api-key", canary.KEY, "--base-url", canary.KEY },
      { "listen", "--api-key", canary.KEY, canary.KEY }, { "listen", "--api-key", canary.KEY, "--port", canary.KEY },
      { "listen", "--api-key", canary.KEY, "--environment", canary.KEY }, { "listen", "--base-url", canary.TOKEN },
      { "listen", "--secret", canary.PLAIN, "--port", canary.PLAIN }, { "listen", "--api-keys=" .. canary.KEY },
      { "trigger", QUALITY, "--to", "http://x/", "--set", canary.SECRET }, { "trigger", QUALITY, canary.SECRET },
      { "trigger", QUALITY, "--to", "http://x/", "--secret", canary.PLAIN, "--interval", canary.PLAIN },
      { "trigger", QUALITY, "--through", "http://x/", "--secret", canary.PLAIN },
    } do
      assert_silent(2, unpack(arguments))
    end
  end)

  it("without a receiver, and with one that echoes everything", function()
    local echo = running.serving(function(request)
      return "400 Bad", "X-Echo: " .. request.head:gsub("[\r\n]+", " ") .. "\r\n",
        require("cjson").encode { title = request.head .. request.body .. canary.KEY }
    end)
    for _, url in ipairs { "http://u:" .. canary.USERINFO .. "@127.0.0.1:1/?token=" .. canary.PASSWORD, echo.url } do
      for _, form in ipairs { "--json", "--set=videoId=vi1" } do
        assert_silent(1, "trigger", QUALITY, "--to", url, "--secret", canary.PLAIN, form)
        assert_silent(1, "trigger", QUALITY, "--through", url, "--api-key", canary.KEY, form)
      end
    end
  end)

  it("of listen and emulate", function()
    local echo = running.serving(function(request) return "401 No", nil, request.head end)
    for _, arguments in ipairs {
      { "listen", "--secret", canary.SECRET, "--secret", canary.PLAIN },
      { "listen", "--api-key", canary.KEY, "--base-url", echo.url },
      { "listen", "--base-url", echo.url, "--json" },
      { "emulate", "--api-key", canary.KEY }, { "emulate", "--api-key", canary.KEY, "--json" },
    } do
      local child = start(arguments[1], "--port", "0", unpack(arguments, 2))
      local url = child:wait_for("(http:[\\/]+127[%d.]+:%d+)"):gsub("\\", "")
      local kind = arguments[1] == "emulate" and "--through" or "--to"
      for _, secret in ipairs { canary.SECRET, canary.OTHER } do
        local credentials = kind == "--to" and { "--secret", secret } or { "--api-key", canary.KEY }
        shows_none((start("trigger", QUALITY, kind, url, unpack(credentials)):finish()))
      end
      child:kill "TERM"
      local output = child:finish()
      shows_none(output, table.concat(arguments, " "))
    end
  end)
end)

describe("no secret is written", function()
  local paths

  before_each(function() paths = { os.tmpname(), os.tmpname() } end)

  after_each(function()
    for _, path in ipairs(paths) do
      for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. ending) end
    end
  end)

  it("into an inbox and its spool, which store the body without headers", function()
    local sqlite = require "apivideo.inbox.sqlite"
    local store, spool = sqlite { path = paths[1] }, sqlite { path = paths[2] }
    for _, inbox in ipairs { apivideo.inbox { store = store, spool = spool }, apivideo.inbox { store = spool } } do
      local receiver = apivideo.receiver { inbox = inbox, secrets = { canary.SECRET, canary.PLAIN } }
      assert.equal(204, (receiver:receive { method = "POST", body = BODY, headers = {
        ["X-Api-Video-Signature"] = SIGNATURE, ["X-Api-Video-WebhookID"] = "webhook_A",
        Authorization = "Bearer " .. canary.TOKEN, Cookie = canary.PASSWORD } }))
      local entry = assert(inbox:list { state = "waiting" })[1]
      assert.equal(BODY, entry.raw)
      shows_none(entry)
      local claim = assert(inbox:claim())[1]
      assert.is_true(claim:retry(0, "failed with " .. canary.SECRET))
    end
    store:close()
    spool:close()
    for _, path in ipairs(paths) do
      local bytes = file.read(path) .. file.read(path .. "-wal")
      assert.truthy(bytes:find(BODY, 1, true))
      assert.is_nil(bytes:find(SIGNATURE, 1, true))
      shows_none(bytes:gsub("%z", ""), "the store")
    end
  end)
end)

nginx_lua.describe("no secret is written into nginx's error log #process", function()
  local nginx

  after_each(function()
    nginx:stop()
    running.stop()
  end)

  local APP = [[
    local apivideo = require "apivideo"
    local client = apivideo.client { api_key = %q, base_url = %q, retries = 0, headers = { ["X-Api-Key"] = %q },
      on_request = function() error(%q) end }
    local handlers = apivideo.handlers():otherwise(function() error("with " .. %q) end)
    local app = {}
    for name, secrets in pairs { static = { %q, %q }, asked = client.webhooks:secret_source(),
      failing = function() error("with " .. %q) end } do
      app[name] = apivideo.receiver { handlers = handlers, secrets = secrets }
    end
    function app.call()
      local _, err = client.webhooks:list()
      ngx.log(ngx.ERR, tostring(err))
      apivideo.spawn(function() error(err) end)
    end
    return app
  ]]

  it("by a receiver, calls, tasks and hooks", function()
    local echo = running.serving(function(request)
      return "403 No", nil, require("cjson").encode { title = request.head }
    end)
    nginx = nginx_lua.start {
      files = { ["app.lua"] = APP:format(canary.KEY, echo.url, canary.HEADER, canary.KEY, canary.SECRET, canary.SECRET,
        canary.PLAIN, canary.SECRET) },
      server = [[
        location = /static { content_by_lua_block { require("app").static:nginx() } }
        location = /asked { content_by_lua_block { require("app").asked:nginx() } }
        location = /failing { content_by_lua_block { require("app").failing:nginx() } }
        location = /call { content_by_lua_block { require("app").call() ngx.print "done" } }
      ]],
    }
    local statuses = {}
    for _, path in ipairs { "/static", "/asked", "/failing" } do
      for _, secret in ipairs { canary.SECRET, canary.PLAIN, canary.OTHER } do
        local response = assert(nginx:request(path, { method = "POST", body = BODY, headers = {
          "X-Api-Video-WebhookID: webhook_A", "X-Api-Video-Signature: " .. apivideo.sign(BODY, secret),
          "Authorization: Bearer " .. canary.TOKEN } }))
        statuses[#statuses + 1] = response.status
        shows_none(response.body)
      end
    end
    assert.same({ 500, 500, 401, 503, 503, 503, 503, 503, 503 }, statuses)
    assert.equal("done", nginx:get "/call")
    wait_for(function() return nginx:log():find("a task failed", 1, true) end, "the task's line in the log")
    local log = nginx:log()
    for _, line in ipairs { "rejected with 401", "rejected with 503", "a handler of", "a hook failed", "forbidden" } do
      assert.truthy(log:find(line, 1, true), line .. " in\n" .. log)
    end
    shows_none(log, "the log")
  end)
end)
