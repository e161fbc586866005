-- Functions of raw bytes accept no table, number or nil: a body that was decoded and encoded again cannot be verified.

local apivideo = require "apivideo"
local core = require "apivideo.core"
local misuse = require "spec.support.misuse"

local SECRET, HEX = "sig_sec_1", ("0"):rep(64)

local core_parse = core.event.compile {}
local handlers = apivideo.handlers():otherwise(function() end)
local receiver = apivideo.receiver { handlers = handlers, secrets = SECRET }
local unsigned = apivideo.receiver { handlers = handlers, unsigned = true }
local inbox = apivideo.inbox { store = require "apivideo.inbox.memory" {} }

-- Functions of raw bytes. Each is called without a tail call, so that its error names this file.
local takers = {
  parse = function(raw) return (apivideo.parse(raw)) end,
  ["events:parse"] = function(raw) return (apivideo.events:parse(raw)) end,
  ["core.event's parser"] = function(raw) return (core_parse(raw)) end,
  ["core.json.decode"] = function(raw) return (core.json.decode(raw)) end,
  ["core.base64"] = function(raw) return (core.base64(raw)) end,
  sign = function(raw) return (apivideo.sign(raw, SECRET)) end,
  verify = function(raw) return (apivideo.verify(raw, HEX, SECRET)) end,
  ["verify with several secrets"] = function(raw) return (apivideo.verify(raw, HEX, { SECRET, "b" })) end,
  ["verify with what is no signature"] = function(raw) return (apivideo.verify(raw, nil, SECRET)) end,
  ["hmac:update"] = function(raw) return (core.signature.hmac(SECRET):update(raw)) end,
  ["receiver:receive"] = function(raw)
    return (receiver:receive { method = "POST", headers = { ["X-Api-Video-Signature"] = HEX }, body = raw })
  end,
  ["receiver:receive, unsigned"] = function(raw)
    return (unsigned:receive { method = "POST", headers = {}, body = raw })
  end,
}

local wrong = { { type = "video.source.recorded" }, {}, 12, 1.5, true, false, print, coroutine.create(function() end) }

describe("a function of raw bytes:", function()
  for name, take in pairs(takers) do
    it(name .. " raises an error for any other type, and names the expected one", function()
      for _, value in ipairs(wrong) do
        local message = misuse(function() return (take(value)) end)
        assert.truthy(message:find "bytes" or message:find "raw", message)
        assert.truthy(message:find("got " .. type(value), 1, true), message)
      end
    end)
  end

  it("rejects nil, except for a request without a body", function()
    for name, take in pairs(takers) do
      if name:find "^receiver" then
        assert.equal(name:find "unsigned" and 400 or 401, take(nil))
      else
        assert.truthy(misuse(function() return (take(nil)) end):find "got nil")
      end
    end
  end)

  it("an inbox stores the bytes unchanged", function()
    for _, value in ipairs(wrong) do
      local message = misuse(function() return (inbox:put { raw = value, event = {} }) end)
      assert.truthy(message:find "raw", message)
    end
  end)

  it("the signature of a body that was decoded and encoded again is invalid", function()
    local raw = '{"type": "video.source.recorded", "emittedAt": "2021-01-29T15:46:25.217Z", '
      .. '"videoId": "vi1", "liveStreamId": "li1"}'
    local cjson = require "cjson"
    local function status_of(body)
      return (receiver:receive { method = "POST", body = body,
        headers = { ["X-Api-Video-Signature"] = apivideo.sign(raw, SECRET) } })
    end
    assert.equal(204, status_of(raw))
    assert.equal(401, status_of(cjson.encode(cjson.decode(raw))))
  end)
end)
