-- The examples of docs/guides/frameworks.md in the real programs that Debian has: pending where one is not installed,
-- or the modules are not built for its Lua.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local frameworks = require "spec.support.frameworks"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local shell = require "spec.support.shell"
local temporary = require "spec.support.temporary"
local wait_for = require "spec.support.wait"

local SECRET = "sig_sec_0000000000000000000000"
local RAW = '{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18Z","videoId":"vi1","liveStreamId":"li1"}'
local START_TIMEOUT_S = 60 -- for a program with many modules, on a busy machine
local HTTP_LUA = "5.1" -- Debian's lua-compat53, which lua-http requires, is not for 5.3

-- The end of the pipe on its standard input ends the program, so that it never outlives this process.
local SCRIPT = [[eval "$(tools/with-lua %s --env)"; cd %s; exec 3<&0 2> /dev/null
  unset LUA_PATH_5_3 LUA_CPATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_4
  LUA_PATH="./?.lua;$LUA_PATH" %s > log 2>&1 < /dev/null &
  pid=$!; { cat <&3 > /dev/null; kill -KILL $pid 2> /dev/null; } & wait $pid; kill $! 2> /dev/null]]

local examples = frameworks.examples()

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2> /dev/null"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

local function has_module(lua, name)
  return shell.succeeds(("tools/with-lua %s -e 'require \"%s\"'"):format(lua, name))
end

local function with_port(text, port)
  return (text:gsub("8080", ("%d"):format(port)))
end

describe("in a real program, #process", function()
  local directory, pipe

  before_each(function()
    directory = temporary.directory()
    file.write(directory .. "/my_webhooks.lua", examples.my_webhooks)
  end)

  after_each(function()
    if pipe then pipe:close() end
    pipe = nil
    shell.succeeds("rm -r " .. directory)
  end)

  local function post(port, raw, signature)
    local url = ("http://127.0.0.1:%d/webhooks"):format(port)
    return http.request { method = "POST", url = url, body = raw, timeout = 30, headers = {
      "X-Api-Video-WebhookID: webhook_1", "X-Api-Video-Signature: " .. signature } }
  end

  -- Starts a program in the directory, and delivers to it.
  local function check(lua, command, port)
    pipe = io.popen(SCRIPT:format(lua, directory, command), "w")
    local function log() return file.read(directory .. "/log") end
    local ok, problem = pcall(wait_for, function() return post(port, "", "") end, "a response", START_TIMEOUT_S)
    assert(ok, tostring(problem) .. "\n" .. log())
    local signature = apivideo.sign(RAW, SECRET)
    assert.equal(204, assert(post(port, RAW, signature)).status, log())
    assert.equal(401, assert(post(port, RAW .. " ", signature)).status, log())
    assert.equal(400, assert(post(port, "{}", apivideo.sign("{}", SECRET))).status, log())
    assert.truthy(log():find("signature mismatch", 1, true), log())
  end

  it("HAProxy runs its example", function()
    local lua = output_of("haproxy -vv"):match "Lua version *: *Lua (%d%.%d)"
    if not lua or not has_module(lua, "apivideo") then pending "no HAProxy with a Lua for which we are built" return end
    local port = free_port()
    file.write(directory .. "/webhooks.lua", examples.HAProxy)
    local config = docs.blocks("docs/guides/frameworks.md", "haproxy")[1].code:gsub("/etc/haproxy", directory)
    file.write(directory .. "/haproxy.cfg", with_port(config, port)
      .. "  timeout client 30s\n")
    check(lua, "haproxy -db -f haproxy.cfg", port)
  end)

  it("lua-http runs its example", function()
    if not has_module(HTTP_LUA, "apivideo") or not has_module(HTTP_LUA, "http.server") then
      pending "no lua-http for Lua 5.1"
      return
    end
    local port = free_port()
    file.write(directory .. "/server.lua", with_port(examples["lua-http"], port))
    check(HTTP_LUA, ("lua%s server.lua"):format(HTTP_LUA), port)
  end)

  it("Tarantool runs the module that the examples share", function() -- Debian lacks its rock http
    if not has_module("jit", "apivideo") or not shell.has "tarantool" then pending "no Tarantool" return end
    file.write(directory .. "/deliver.lua", ([[
      local webhook = require "my_webhooks"
      print(webhook(%q, { ["x-api-video-signature"] = %q }), webhook("{}", {}))
      os.exit(0)]]):format(RAW, apivideo.sign(RAW, SECRET)))
    pipe = io.popen(SCRIPT:format("jit", directory, "tarantool deliver.lua"), "w")
    wait_for(function() return file.read(directory .. "/log"):find "204%s+401" end, "Tarantool", START_TIMEOUT_S)
  end)
end)
