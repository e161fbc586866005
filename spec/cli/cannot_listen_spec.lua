-- Subcommands with a server, when it cannot listen: the message is about the server, not about api.video.

local peer = require "spec.support.peer"
local process = require "spec.support.process"

local SUBCOMMANDS = { { "listen", "--unsigned" }, { "emulate" } }

local function assert_fails(more, message)
  for _, subcommand in ipairs(SUBCOMMANDS) do
    local arguments = { "bin/apivideo" }
    for _, list in ipairs { subcommand, more } do
      for _, argument in ipairs(list) do arguments[#arguments + 1] = argument end
    end
    local output, status = process.run(arguments)
    assert.equal(1, status)
    assert.equal("apivideo: server: network: cannot listen on " .. message .. "\n", output)
  end
end

describe("command #process", function()
  it("fails if the port is in use", function()
    local p = peer.responding("200 OK")
    assert_fails({ "--port", tostring(p.port) }, ("127.0.0.1 port %d: the port is in use; choose another port, or stop"
      .. " the process that uses it"):format(p.port))
    p.stop()
  end)

  it("fails if the host is not an address of this machine", function()
    assert_fails({ "--port", "0", "--host", "203.0.113.1" }, "203.0.113.1 port 0: this machine does not have that"
      .. " address; use 127.0.0.1 for this machine alone, or 0.0.0.0 for all of its addresses")
  end)
end)
