-- No secret appears in an error message for misuse, wherever a secret is passed by mistake.

local apivideo = require "apivideo"
local canary = require "spec.support.canary"
local core = require "apivideo.core"
local emulator = require "apivideo.emulator"
local server = require "apivideo.server"
local signature = core.signature

local handlers = apivideo.handlers():otherwise(function() end)
local client = apivideo.client { api_key = canary.KEY, base_url = "http://127.0.0.1:1", retries = 0 }

local WRONG = {
  canary.KEY, canary.PLAIN .. "\n", canary.SECRET, { canary.SECRET }, { [canary.SECRET] = canary.PLAIN },
  { canary.PLAIN, 5 }, { { canary.PLAIN } }, { name = canary.PLAIN, version = canary.PLAIN }, { store = canary.PLAIN },
  "http://" .. canary.RAW .. "@/", "http://" .. canary.PROXY .. "@ x", canary.RAW,
  function() error(canary.PLAIN) end, 5, true,
}

-- Calls a function with each invalid value; its error must not contain it. Returns the number of errors.
local function count_raised(name, fn)
  local count = 0
  for i, value in ipairs(WRONG) do
    local ok, message = pcall(fn, value)
    if not ok then
      local found = canary.find(message, ("the message of %s with wrong value %d"):format(name, i))
      assert.is_nil(found, found)
      count = count + 1
    end
  end
  return count
end

-- The functions with an option table, and their required options.
local constructors = {
  client = { apivideo.client, { api_key = "key" }, { "api_key", "access_token", "auth", "environment", "base_url",
    "timeout", "connect_timeout", "total_timeout", "retries", "rate_limit", "app", "sdk", "proxy", "ca_file",
    "client_cert", "client_key", "http2", "headers", "on_request", "on_response" } },
  receiver = { apivideo.receiver, { handlers = handlers, secrets = canary.SECRET },
    { "handlers", "inbox", "secrets", "unsigned", "max_body", "on_outcome", "defer", "metrics" } },
  inbox = { apivideo.inbox, { store = require "apivideo.inbox.memory" {} },
    { "store", "spool", "events", "lane", "retention" } },
  redis = { require "apivideo.inbox.redis", { password = canary.PASSWORD },
    { "name", "client", "release", "host", "port", "path", "password", "database" } },
  server = { server.listen, { handler = function() end, port = -1 },
    { "host", "receiver", "handler", "max_body", "timeout", "max_connections" } },
  emulator = { emulator.start, { api_key = canary.KEY, port = -1 }, { "host", "api_key", "max_attempts", "interval" } },
  ["webhooks:secret_source"] = { function(options) return client.webhooks:secret_source(options) end, {},
    { "ttl", "miss_ttl", "store" } },
  ["client:request"] = { function(options) return client:request("GET", "/x", options) end, { timeout = 1 },
    { "query", "body", "timeout", "retries", "headers", "cancel" } },
  ["webhooks:rotate"] = { function(options) return client.webhooks:rotate("webhook_A", options) end, { timeout = 1 },
    { "overlap", "on_created" } },
}

describe("no secret appears in the error message for misuse", function()
  for name, constructor in pairs(constructors) do
    it("of the options of " .. name, function()
      local make, required, options = constructor[1], constructor[2], constructor[3]
      for _, option in ipairs(options) do
        local raised = count_raised(name .. "." .. option, function(value)
          local all = {}
          for other, own in pairs(required) do all[other] = own end
          all[option] = value
          return make(all)
        end)
        assert.is_true(raised > 0, name .. "." .. option)
      end
      assert.is_true(count_raised(name, make) > 0)
    end)
  end

  it("of functions", function()
    local receiver = apivideo.receiver { handlers = handlers, secrets = canary.SECRET }
    local hmac = signature.hmac(canary.SECRET)
    for name, fn in pairs {
      sign = function(value) return apivideo.sign({ value }, canary.SECRET) end,
      ["sign's secret"] = function(value) return apivideo.sign("x", { value }) end,
      verify = function(value) return apivideo.verify(value, canary.SECRET, { canary.PLAIN, value, 5 }) end,
      parse = function(value) return apivideo.parse { value } end,
      hmac = function(value) return signature.hmac { value } end,
      update = function(value) return hmac:update { value } end,
      ["another's update"] = function(value) return hmac.update(value, canary.SECRET) end,
      receive = function(value) return receiver:receive(value) end,
      ["receive's body"] = function(value)
        return receiver:receive { method = "POST", headers = { canary.PLAIN }, body = { value } }
      end,
      ["receive's method"] = function(value) return receiver:receive { method = { value }, headers = {} } end,
      ["receive with a dot"] = function(value) return receiver.receive(value, canary.SECRET) end,
      request = function(value) return client:request(value, "/x") end,
      ["request's path"] = function(value) return client:request("GET", value) end,
      ["request with a dot"] = function(value) return client.request(value, "GET", canary.KEY) end,
      get = function(value) return client.webhooks.get(value, "webhook_A") end,
      on = function(value) return apivideo.handlers():on(value, canary.PLAIN) end,
      put = function(value) return apivideo.inbox { store = require "apivideo.inbox.memory" {} }:put(value) end,
    } do
      assert.is_true(count_raised(name, fn) > 0, name)
    end
  end)

  it("of ids, for which calls return errors", function()
    for _, value in ipairs { canary.SECRET, canary.KEY } do
      for _, fn in ipairs {
        function() return client.webhooks:get(value) end, function() return client.webhooks:delete(value) end,
        function() return client.webhooks:rotate(value) end, function() return client.videos:get(value) end,
      } do
        local ok, result, err = pcall(fn)
        local found = canary.find({ result, err }, "the error of an id")
        assert.is_nil(found, found)
        assert.is_true(not ok or result == nil)
      end
    end
  end)
end)
