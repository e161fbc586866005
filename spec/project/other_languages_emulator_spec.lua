-- The example of docs/guides/testing.md, with which a test in Python starts a local api.video.

local docs = require "spec.support.docs"
local file = require "spec.support.file"
local http = require "apivideo.transport.http"
local process = require "spec.support.process"
local running = require "spec.support.running"
local shell = require "spec.support.shell"
local temporary = require "spec.support.temporary"
local wait_for = require "spec.support.wait"

local START_TIMEOUT_S = 60 -- on a busy machine

-- The rest of the program: prints what the example returns, and ends the process after a line of standard input.
local PROGRAM = [[
import sys

process, api = start()
print("started", api["url"], api["api_key"], "end", flush=True)
sys.stdin.readline()
process.terminate()
print("status", process.wait(), flush=True)
]]

describe("a test in Python #process", function()
  local base, pipe

  after_each(function()
    running.stop()
    if base then os.execute("rm -rf " .. base) end
    base = nil
  end)

  local function log() return file.read(base .. "/log") end

  local function is_listening(url)
    return http.request { method = "GET", url = url .. "/", timeout = START_TIMEOUT_S } ~= nil
  end

  -- Starts the program: the URL and the key of the local api.video that it started.
  local function start()
    base = temporary.directory()
    -- `apivideo` in PATH is that of the checkout, with the Lua of the specs.
    file.write(base .. "/apivideo", "#!/bin/sh\nexec " .. process.command { "bin/apivideo" } .. ' "$@"\n')
    file.write(base .. "/test.py", docs.blocks("docs/guides/testing.md", "python")[1].code .. PROGRAM)
    os.execute("chmod +x " .. base .. "/apivideo")
    pipe = assert(io.popen(("echo $$ > %s/pid; PATH=%s:$PATH exec python3 %s/test.py > %s/log 2>&1")
      :format(base, base, base, base), "w"))
    running.add(function() pipe:close() end)
    local started, problem = pcall(wait_for, function() return log():find " end\n" end, "the URL", START_TIMEOUT_S)
    assert(started, tostring(problem) .. "\n" .. log())
    return log():match "started (%S+) (%S+) end\n"
  end

  local function describe_example(name, fn)
    it(name, function()
      for _, program in ipairs { "python3", "setpriv" } do
        if not shell.has(program) then return pending(program .. " is not installed") end
      end
      return fn()
    end)
  end

  describe_example("starts a local api.video and ends it", function()
    local url, key = start()
    local response = assert(http.request { method = "GET", url = url .. "/webhooks", username = key,
      timeout = START_TIMEOUT_S })
    assert.equal(200, response.status)
    pipe:write "\n"
    pipe:flush()
    local status = wait_for(function() return log():match "status (%S+)\n" end, "the end", START_TIMEOUT_S)
    assert.equal("0", status)
    assert.is_false(is_listening(url))
  end)

  describe_example("leaves no local api.video behind when it is killed", function()
    local url = start()
    assert.is_true(is_listening(url))
    os.execute("kill -KILL " .. file.read(base .. "/pid"))
    wait_for(function() return not is_listening(url) end, "the end of the local api.video", START_TIMEOUT_S)
  end)
end)
