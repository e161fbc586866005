-- The module `apivideo`: what it loads at once, and what at its first use.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local packages = require "apivideo.util.packages"
local process = require "spec.support.process"

-- Runs a program in a new process; its output, without the line break at the end.
local function output_of(program)
  return (process.run { "-e", 'local apivideo = require "apivideo"\n' .. program }):gsub("%s+$", "")
end

-- A program that accesses a member twice, and prints the messages without the place.
local function accessing(first, second)
  return ([[
    for _, name in ipairs { %q, %q } do
      local ok, message = pcall(function() return apivideo[name].nothing end)
      print(ok, message)
    end]]):format(first, second or first)
end

local function assert_twice(expected, output)
  local first, second = output:match "^(.-)\n(.-)$"
  for _, line in ipairs { first, second } do
    assert.truthy(line:find("false", 1, true) and line:find(expected, 1, true), output)
    assert.truthy(line:find("%(command line%):4: "), output) -- where the member is accessed
  end
end

describe("the module apivideo", function()
  it("has the server, the emulator, the page and the stores without another require", function()
    assert.equal(require "apivideo.server", apivideo.server)
    assert.equal(require "apivideo.emulator", apivideo.emulator)
    assert.equal(require "apivideo.page", apivideo.page)
    for _, name in ipairs { "memory", "sqlite", "redis" } do
      assert.equal(require("apivideo.inbox." .. name), apivideo.inbox[name])
    end
  end)

  it("loads them at their first use #process", function()
    assert.equal("", output_of [[
      for _, lazy in ipairs { "client", "inbox", "reconcile", "server", "emulator", "page", "transport" } do
        assert(rawget(apivideo, lazy) == nil)
        for name in pairs(package.loaded) do
          if name:find("^apivideo." .. lazy) then print(name) end
        end
      end
      assert(apivideo.client.new and package.loaded["apivideo.client"])
      assert(apivideo.inbox.new and not package.loaded["apivideo.inbox.memory"])
      assert(apivideo.server.listen and package.loaded["apivideo.server"])]])
  end)

  it("loads libcurl when the first client is created, not to verify deliveries #process", function()
    assert.equal("construct_event\tfalse\nreceiver\tfalse\nclient\ttrue", output_of [[
      local raw = '{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18Z","videoId":"v","liveStreamId":"l"}'
      local headers = { ["X-Api-Video-Signature"] = apivideo.sign(raw, "secret") }
      local function report(what)
        local maps = io.open "/proc/self/maps"
        print(what, maps:read("*a"):find("/libcurl", 1, true) ~= nil)
        maps:close()
      end
      assert(apivideo.construct_event(raw, headers, "secret"))
      report "construct_event"
      local handlers = apivideo.handlers():otherwise(function() end)
      local receiver = apivideo.receiver { handlers = handlers, secrets = "secret" }
      assert(receiver:receive { method = "POST", headers = headers, body = raw } == 204)
      report "receiver"
      apivideo.client { api_key = "key" }
      report "client"]])
  end)

  it("raises where a member is read that it does not have, with the most similar one", function()
    for message, read in pairs {
      ['apivideo has no member "reciever"; did you mean "receiver"?'] = function() return apivideo.reciever end,
      ['apivideo has no member "sever"; did you mean "server"?'] = function() return apivideo.sever end,
      ['apivideo has no member "verify_signature"; it has: array, cancellation, client, construct_event, emulator,'
        .. " events, handlers, inbox, is_error, log, metrics, null, page, parallel, parse, permanent, receiver,"
        .. " reconcile, run, server, sign, sleep, spawn, timestamp, tracing, verify"] = function()
        return apivideo.verify_signature
      end,
      ['apivideo.inbox has no member "sqllite"; did you mean "sqlite"?'] = function() return apivideo.inbox.sqllite end,
      ['apivideo.inbox has no member "work", which is a method of the object that apivideo.inbox(…) returns:'
        .. " inbox:work(…)"] = function() return apivideo.inbox.work() end,
      ['apivideo.handlers has no member "on", which is a method of the object that apivideo.handlers(…) returns:'
        .. " handlers:on(…)"] = function() apivideo.handlers:on("*", print) end,
      ['apivideo.receiver has no member "neww"; did you mean "new"?'] = function() return apivideo.receiver.neww end,
      ['apivideo.client has no member "request", which is a method of the object that apivideo.client(…) returns:'
        .. " client:request(…)"] = function() return apivideo.client.request end,
    } do
      local ok, raised = pcall(read)
      assert.is_false(ok)
      assert.equal(message, raised:match "facade_spec.lua:%d+: (.*)$")
    end
  end)

  it("has nil for names that are not meant for it, such as those of metadata", function()
    for _, module in ipairs { apivideo, apivideo.handlers, apivideo.inbox } do
      assert.is_nil(module[1])
      assert.is_nil(module._NAME)
      assert.is_nil(module.__name)
    end
  end)

  it("names the packages of a member that is not installed #process", function()
    for _, name in ipairs { "server", "emulator", "page" } do
      assert_twice(("apivideo.%s is not installed; %s"):format(name, packages.remedy "apivideo.server"),
        output_of('package.path, package.cpath = "", ""\n' .. accessing(name):gsub("^%s+", "")))
    end
  end)

  it("names a shared library that is missing #process", function()
    for _, case in ipairs { { "server", "server" }, { "emulator", "server" }, { "emulator", "emulator" } } do
      local output = output_of([[package.preload["apivideo.server.core"] = function() error("libmicrohttpd.so.12: ]]
        .. [[cannot open shared object file: No such file or directory", 0) end ]] .. "\n"
        .. accessing(case[1], case[2]):gsub("^%s+", ""))
      assert_twice("needs the library libmicrohttpd, which cannot be loaded; install the Debian package"
        .. " libmicrohttpd-dev", output)
    end
  end)

  it("does not hide another failure #process", function()
    assert.truthy(output_of('package.preload["apivideo.server.core"] = function() error("a bug", 0) end\n'
      .. accessing "server"):find("a bug", 1, true))
  end)

  it("recognises its errors", function()
    assert.is_true(apivideo.is_error(errors.new("timeout", "late")))
    local _, err = apivideo.parse "{"
    assert.is_true(apivideo.is_error(err))
    for _, value in ipairs { "text", 5, {}, false, { kind = "timeout" }, print } do
      assert.is_false(apivideo.is_error(value))
    end
    assert.is_false(apivideo.is_error(nil))
  end)
end)
