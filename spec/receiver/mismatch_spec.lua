-- What a receiver reports about secrets and signatures that cannot match: at its creation, and in the log.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local misuse = require "spec.support.misuse"

local SECRET, ID = "sig_sec_0000000000000000000000", "webhook_0000000000000000000000"
local RAW = '{"type":"video.source.recorded","emittedAt":"2021-01-29T16:46:25.217+01:00",'
  .. '"liveStreamId":"li1","videoId":"vi1"}'

describe("receiver", function()
  local outcome

  before_each(function() outcome = nil end)

  local function new(secrets)
    local receiver = apivideo.receiver { secrets = secrets, on_outcome = function(o) outcome = o end,
      handlers = apivideo.handlers():otherwise(function() end) }
    return receiver -- not a tail call: the message of an error names this file
  end

  -- Delivers a body with the signature of RAW; the status, and the text of the log.
  local function deliver(receiver, body)
    local status = receiver:receive { method = "POST", body = body or RAW, headers = {
      ["X-Api-Video-WebhookID"] = ID, ["X-Api-Video-Signature"] = apivideo.sign(RAW, SECRET) } }
    return status, outcome.err and tostring(outcome.err)
  end

  describe("rejects at its creation", function()
    local function message_of(secrets)
      local message = misuse(function() return (new(secrets)) end)
      assert.is_nil(message:find("sig_sec", 1, true), message)
      return message
    end

    it("a secret that ends in whitespace, with the byte and the remedy", function()
      for byte, name in pairs { ["\n"] = "a newline", ["\r\n"] = "a newline", ["\r"] = "a carriage return",
        [" "] = "a space", ["\t"] = "a tab", ["\v"] = "byte 0x0B" } do
        assert.truthy(message_of(SECRET .. byte):find('receiver: option "secrets" must not end in whitespace (the last'
          .. " byte is " .. name .. '); read the file with :gsub("%s+$", "")', 1, true), name)
      end
    end)

    it("a secret that begins with whitespace", function()
      local message = message_of(" " .. SECRET)
      assert.truthy(message:find("must not begin with whitespace (the first byte is a space)", 1, true), message)
    end)

    it("such a secret in a list and in a table by id", function()
      for _, secrets in ipairs { { SECRET, SECRET .. "\n" }, { [ID] = SECRET .. "\n" },
        { [ID] = { SECRET, SECRET .. "\n" } } } do
        assert.truthy(message_of(secrets):find("must not end in whitespace (the last byte is a newline)", 1, true))
      end
    end)
  end)

  describe("with a function for its secrets", function()
    it("logs a secret with whitespace, and accepts a signature by another one of the list", function()
      local status, text = deliver(new(function() return SECRET .. "\n" end))
      assert.equal(401, status)
      local expected = "a secret of the function ends in whitespace (the last byte is a newline)"
      assert.truthy(text:find(expected, 1, true), text)
      assert.is_nil(text:find(SECRET, 1, true))
      assert.equal(204, (deliver(new(function() return { SECRET .. "\n", SECRET } end))))
    end)

    it("responds 503 to a result that is not a secret, and logs its type", function()
      for expected, wrong in pairs { ["a number"] = 5, ["a boolean"] = true, ["an empty string"] = "",
        ["a table that is not a list of secrets"] = { 5 }, ["a table that is not a list of secrets "] = {},
        ["a function"] = print } do
        local status, text = deliver(new(function() return wrong end))
        assert.equal(503, status)
        assert.truthy(text:find("secrets: store_unavailable: the secrets function returned "
          .. expected:gsub(" $", "")), text)
      end
    end)

    it("responds 503 to any error that it returns or raises", function()
      for _, err in ipairs { "text", 5, true, {}, print, { kind = {} }, setmetatable({}, { __tostring = function()
        error "no text"
      end }), errors.new("timeout", "late") } do
        for _, secrets in ipairs { function() return nil, err end, function() error(err) end } do
          local status, text = deliver(new(secrets))
          assert.equal(503, status)
          assert.truthy(text:find "^%l+: ", text)
        end
      end
      assert.equal("timeout", (function() deliver(new(function() return nil, errors.new("timeout", "late") end))
        return outcome.err.kind
      end)())
    end)
  end)

  describe("logs for a mismatch", function()
    local function reason(body)
      local status, text = deliver(new(SECRET), body)
      assert.equal(401, status)
      assert.truthy(text:find("signature mismatch (" .. ID .. ")", 1, true), text)
      return text
    end

    it("the usual causes", function()
      local text = reason(RAW:gsub("vi1", "vi2"))
      for _, cause in ipairs { "raw bytes", "the secret of another webhook than this one, or of the other environment",
        "re-serialises the JSON" } do
        assert.truthy(text:find(cause, 1, true), text)
      end
    end)

    it("how the body differs from the bodies of api.video, if it does", function()
      for expected, body in pairs {
        ["the body is empty"] = "",
        ["has whitespace between its tokens"] = RAW:gsub(":", ": "):gsub(",", ", "),
        ["has whitespace between its tokens "] = RAW:gsub("{", "{\n  "),
        ['"type" is not its first member'] = '{"emittedAt":"x","type":"y"}',
        ["begins with whitespace"] = " " .. RAW,
        ["ends in whitespace (the last byte is a newline)"] = RAW .. "\n",
        ["begins with a byte order mark"] = "\239\187\191" .. RAW,
        ["is the address of a decoded table"] = tostring({}),
        ["is the name of a decoded object"] = "[object Object]",
        ["is a JSON string that contains JSON"] = '"{\\"type\\":1}"',
        ["is encoded as base64"] = "eyJ0eXBlIjoidmlkZW8ifQ==",
        ["is encoded as a form or URL"] = "%7B%22type%22%3A",
        ["is encoded as a form or URL "] = "payload=%7B%22type%22%3A",
      } do
        local text = reason(body)
        assert.truthy(text:find(expected:gsub(" $", ""), 1, true), text)
        assert.truthy(text:find("a signature matches only the exact bytes that api.video sent", 1, true), text)
      end
    end)
  end)
end)
