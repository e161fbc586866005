local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local signature = require("apivideo.core").signature

local SECRET = "sig_sec_test"
local BODY = '{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18+00:00","videoId":"vi1"}'
local RAW = "; a signature matches only the exact bytes that api.video sent\n"

describe("command verify #process", function()
  local path, headers

  before_each(function() path, headers = os.tmpname(), os.tmpname() end)
  after_each(function()
    os.remove(path)
    os.remove(headers)
  end)

  -- Verifies a body from standard input. Returns the output and the exit status.
  local function verify(body, ...)
    file.write(path, body)
    return process.run({ "bin/apivideo", "verify", ... }, "APIVIDEO_WEBHOOK_SECRET=" .. SECRET, path)
  end

  local function with_signature(body, signed, ...)
    return verify(body, "--signature", signature.sign(signed, SECRET), ...)
  end

  it("accepts a valid signature of standard input or of a file", function()
    assert.same({ "valid  video.source.recorded videoId=vi1\n", 0 }, { with_signature(BODY, BODY) })
    assert.same({ "valid  video.source.recorded videoId=vi1\n", 0 }, { with_signature(BODY, BODY, path) })
    local output, status = with_signature(BODY, BODY, "--secret", "other", "--secret", SECRET, "--json")
    assert.equal(0, status)
    assert.same({ valid = true, event = cjson.decode(BODY) }, cjson.decode(output))
  end)

  it("reads the headers of a delivery, with a request line or without", function()
    local lines = ("Host: h\r\nX-Api-Video-WebhookID: webhook_1\r\nX-API-VIDEO-Signature: %s\r\n\r\nignored")
      :format(signature.sign(BODY, SECRET))
    for _, text in ipairs { lines, "POST / HTTP/1.1\r\n" .. lines, (lines:gsub("\r", "")) } do
      file.write(headers, text)
      local output, status = verify(BODY, "--headers", headers, "--json")
      assert.equal(0, status, output)
      assert.equal("webhook_1", cjson.decode(output).webhookId)
    end
    file.write(headers, process.run({ "bin/apivideo", "sign", path, "--headers", "--secret", SECRET }))
    assert.same({ "valid  video.source.recorded videoId=vi1\n", 0 }, { verify(BODY, "--headers", headers) })
  end)

  it("accepts signed bytes that are not an event, with a warning", function()
    local output, status = with_signature("\255\n", "\255\n")
    assert.equal(0, status)
    assert.matches("apivideo: warning: the signature is valid, but a receiver rejects the body: ", output, 1, true)
    assert.matches("\nvalid\n", output, 1, true)
  end)

  it("tells which change of the bytes made the signature invalid", function()
    for _, case in ipairs {
      { BODY .. "\n", BODY, "it is valid without the newline at the end of the body, which an editor or echo added" },
      { BODY .. "\r\n", BODY, "it is valid without the newline at the end" },
      { BODY, BODY .. "\n", "it is valid with a newline at the end of the body, which $(…) or an editor removed" },
      { "{\r\n}\r\n", "{\n}\n", "it is valid with the line ends LF, which became CRLF" },
      { "{\n}\n", "{\r\n}\r\n", "it is valid with the line ends CRLF, which became LF" },
      { "\239\187\191{}", "{}", "it is valid without the byte order mark at the beginning of the body" },
    } do
      local output, status = with_signature(case[1], case[2])
      assert.equal(1, status)
      assert.equal("invalid  signature mismatch; " .. case[3], output:sub(1, 29 + #case[3]))
    end
  end)

  it("tells the usual causes of a mismatch", function()
    local output, status = with_signature('{"type": "x"}', BODY)
    assert.equal(1, status)
    assert.equal("invalid  signature mismatch; the body has whitespace between its tokens: a tunnel or proxy"
      .. " re-serialised it" .. RAW, output)
    output, status = with_signature(BODY, BODY, "--secret", "sig_sec_other")
    assert.equal(1, status)
    assert.matches("^invalid  signature mismatch; usual causes: .*the secret of another webhook", output)
    assert.is_nil(output:find("sig_sec_other", 1, true))
  end)

  it("tells why there is no signature to check", function()
    for text, expected in pairs {
      ["Host: h\n"] = "no x-api-video-signature header (webhook_1)",
      ["X-Api-Video-Signature: abc\n"] =
        "signature malformed (webhook_1); it must be 64 hexadecimal digits, got 3 bytes",
      ["X-Api-Video-Signature: a\nX-Api-Video-Signature: b\n"] =
        "more than one x-api-video-signature header (webhook_1)",
    } do
      file.write(headers, "X-Api-Video-WebhookID: webhook_1\n" .. text)
      local output, status = verify(BODY, "--headers", headers, "--json")
      assert.equal(1, status)
      assert.same({ valid = false, webhookId = "webhook_1", kind = "bad_signature", error = expected },
        cjson.decode(output))
    end
  end)

  it("rejects wrong arguments, with another status than an invalid signature", function()
    file.write(headers, "Host: h\nno header\n")
    for _, case in ipairs {
      { "one of --signature and --headers is required" },
      { "option '--headers' can not be used together with option '--signature'", "--signature", "a", "--headers", "b" },
      { "the body and --headers cannot both be read from standard input", "--headers", "-" },
      { "--headers: line 2 is not a header, which has the form 'Name: value'", "--headers", headers },
      { "--headers: /nonexistent: No such file", "--headers", "/nonexistent" },
      { "/nonexistent: No such file", "/nonexistent", "--signature", "a" },
      { "--signature is empty", "--signature", "" },
      { "--signature must not end in whitespace", "--signature", "a\n" },
    } do
      local output, status = verify(BODY, (table.unpack or unpack)(case, 2))
      assert.equal(2, status, output)
      assert.truthy(output:find("apivideo: " .. case[1], 1, true), output)
    end
    local output, status = process.run({ "bin/apivideo", "verify", path, "--signature", "a" },
      "APIVIDEO_WEBHOOK_SECRET= XDG_CONFIG_HOME=/nonexistent")
    assert.equal(2, status)
    assert.truthy(output:find("no secret; use --secret", 1, true), output)
  end)
end)
