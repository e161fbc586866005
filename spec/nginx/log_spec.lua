-- The log in a real nginx: its error log, which has the time and the level itself, or a function.

local nginx_lua = require "spec.support.nginx_lua"
local wait_for = require "spec.support.wait"

local INIT = [[init_by_lua_block {
  apivideo = require "apivideo"
  log = require "apivideo.runtime.log"
  apivideo.log { level = "debug", format = "@format@" }
}]]

local SERVER = [[
error_log error.log debug;
location = /levels { content_by_lua_block {
  for _, level in ipairs { "debug", "info", "warn", "error" } do log[level]("at " .. level, { "type", "x" }) end
} }
location = /write { content_by_lua_block {
  apivideo.log { write = function(line) ngx.say(line) end }
  log.warn "it broke"
} }
location = /exit { content_by_lua_block {
  apivideo.log { write = function() ngx.exit(403) end }
  log.warn "it broke"
  ngx.print "ok"
} }
location = /webhooks { content_by_lua_block {
  receiver = receiver or apivideo.receiver { unsigned = true,
    handlers = apivideo.handlers():on("*", function() return nil, "away" end) }
  receiver:nginx()
} }]]

nginx_lua.describe("the log in nginx #process", function()
  local function start(format)
    local nginx = nginx_lua.start { http = (INIT:gsub("@format@", format)), server = SERVER }
    finally(function() nginx:stop() end)
    return nginx
  end

  it("maps each level to that of nginx, and leaves the time to it", function()
    local nginx = start "text"
    nginx:get "/levels"
    for _, level in ipairs { "debug", "info", "warn", "error" } do
      assert.truthy(nginx:log():find(("%%[%s%%] %%d+#%%d+: %%*%%d+ apivideo: at %s type=x[,\n]"):format(level, level)),
        nginx:log())
    end
  end)

  it("respects the level of error_log", function()
    local nginx = nginx_lua.start { http = (INIT:gsub("@format@", "text")),
      server = (SERVER:gsub("error.log debug", "error.log warn")) }
    finally(function() nginx:stop() end)
    nginx:get "/levels"
    for level, is_shown in pairs { debug = false, info = false, warn = true, error = true } do
      assert.equal(is_shown, nginx:log():find("apivideo: at " .. level, 1, true) ~= nil, level)
    end
  end)

  it("writes each line without raw_log, too", function()
    local nginx = nginx_lua.start { http = (INIT:gsub("@format@", "text")
      :gsub("init_by_lua_block {", 'init_by_lua_block {\n  require("ngx.errlog").raw_log = nil\n')), server = SERVER }
    finally(function() nginx:stop() end)
    nginx:get "/levels"
    assert.truthy(nginx:log():find "%[warn%] [^\n]*: apivideo: at warn type=x[,\n]", nginx:log())
  end)

  it("writes JSON without the time and the level", function()
    local nginx = start "json"
    nginx:get "/levels"
    assert.truthy(nginx:log():find('%*%d+ {"message":"at warn","type":"x"},'), nginx:log())
  end)

  it("gives a function the line with its time and level", function()
    assert.truthy(start "text":get "/write":find "^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ warn apivideo: it broke\n$")
  end)

  it("is not affected by an ngx.exit in that function", function()
    local nginx = start "text"
    assert.equal("ok", nginx:get "/exit")
    assert.truthy(nginx:log():find("%[warn%][^\n]*apivideo: it broke"))
    assert.truthy(nginx:log():find('ngx.exit was called in the option "write" of apivideo.log', 1, true), nginx:log())
  end)

  it("has the fields of an event", function()
    local nginx = start "text"
    local body = '{"type":"video.source.recorded","videoId":"vi1","liveStreamId":"li1"}'
    assert.equal(500, assert(nginx:request("/webhooks", { method = "POST", body = body })).status)
    wait_for(function()
      return nginx:log():find("%[error%][^\n]* apivideo: a handler of video.source.recorded failed: away"
        .. " type=video.source.recorded videoId=vi1 liveStreamId=li1 key=%S+,")
    end, "the line")
  end)
end)
