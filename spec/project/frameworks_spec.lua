-- The examples of docs/guides/frameworks.md: each with a stand-in for its framework; and with the real program where
-- Debian has it and it is installed.

local apivideo = require "apivideo"
local frameworks = require "spec.support.frameworks"
local stderr = require "spec.support.stderr"

local SECRET = "sig_sec_0000000000000000000000"
local RAW = '{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18Z","videoId":"vi1","liveStreamId":"li1"}'

local examples = frameworks.examples()

local function signed(raw)
  return { ["content-type"] = "application/json", ["x-api-video-webhookid"] = "webhook_1",
    ["x-api-video-signature"] = apivideo.sign(raw, SECRET) }
end

local function load_with(code, name, environment)
  if setfenv then return setfenv(assert(loadstring(code, "=" .. name)), environment) end -- luacheck: ignore
  return assert(load(code, "=" .. name, "t", environment))
end

describe("the guide for web frameworks", function()
  for name in pairs(frameworks.new().deliver) do
    it("has an example for " .. name .. " that accepts signed events only", function()
      local stand_ins, printed = frameworks.new(), {}
      local modules = stand_ins.modules
      local environment = setmetatable({
        require = function(module) return modules[module] or require(module) end,
        print = function(...) printed[#printed + 1] = table.concat({ ... }, " ") end,
      }, { __index = function(_, key) return stand_ins.globals[key] or _G[key] end })
      modules.my_webhooks = load_with(examples.my_webhooks, "my_webhooks", environment)()
      local result = load_with(examples[name], name, environment)()
      local deliver = stand_ins.deliver[name]
      assert.equal(204, deliver(RAW, signed(RAW), result))
      assert.same({ "recorded: vi1" }, printed)
      local written = stderr.of(function()
        assert.equal(401, deliver(RAW .. " ", signed(RAW), result))
        assert.equal(401, deliver("", signed(RAW), result))
        assert.equal(400, deliver("{}", signed "{}", result))
      end)
      assert.equal(3, #written)
      assert.matches("^event: bad_event: .*: {}\n$", written[3]) -- the bytes that api.video signed
      assert.same({ "recorded: vi1" }, printed)
    end)
  end

  it("has no other example", function()
    local deliver = frameworks.new().deliver
    for name in pairs(examples) do assert.truthy(name == "my_webhooks" or deliver[name], name) end
  end)
end)
