local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local signature = require("apivideo.core").signature

-- The example of api.video's documentation.
local SECRET = "sig_sec_0000000000000000000000"
local BODY = '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000","encoding":"hls","quality":"720p"}'
local HEX = "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"

describe("command sign #process", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  -- Signs a body from standard input. Returns the output and the exit status.
  local function sign(body, ...)
    file.write(path, body)
    return process.run({ "bin/apivideo", "sign", ... }, "APIVIDEO_WEBHOOK_SECRET=" .. SECRET, path)
  end

  it("prints the signature of standard input or of a file", function()
    assert.same({ HEX .. "\n", 0 }, { sign(BODY) })
    assert.same({ HEX .. "\n", 0 }, { sign(BODY, "-", "--secret", SECRET) })
    assert.same({ HEX .. "\n", 0 }, { process.run { "bin/apivideo", "sign", path, "--secret", SECRET } })
    assert.same({ signature = HEX }, cjson.decode((sign(BODY, "--json"))))
  end)

  it("signs the exact bytes", function()
    for _, body in ipairs { "", "\n", BODY .. "\n", "a\r\nb\0c\255" } do
      assert.equal(signature.sign(body, SECRET) .. "\n", (sign(body)))
    end
  end)

  it("prints the headers of a delivery", function()
    assert.equal("Content-Type: application/json\nX-Api-Video-Signature: " .. HEX
      .. "\nX-Api-Video-WebhookID: webhook_1\n", (sign(BODY, "--headers", "--webhook-id", "webhook_1")))
    local record = cjson.decode((sign(BODY, "--headers", "--json")))
    assert.equal(HEX, record.headers["X-Api-Video-Signature"])
    assert.equal("webhook_0000000000000000000000", record.headers["X-Api-Video-WebhookID"])
  end)

  it("says what is wrong", function()
    for _, case in ipairs {
      { "--webhook-id needs --headers", "--webhook-id", "w" },
      { "one secret signs a delivery, got 2", "--secret", "a", "--secret", "b" },
      { "/nonexistent: No such file", "/nonexistent" },
      { "/: Is a directory", "/" },
      { "--secret is empty", "--secret", "" },
      { "--secret-file /nonexistent/api-secret cannot be read (No such file or directory)\n", "--secret-file",
        "/nonexistent/api-secret" },
      { "--secret-file / cannot be read (Is a directory)\n", "--secret-file", "/" },
      { "--secret-file /dev/null is empty\n", "--secret-file", "/dev/null" },
    } do
      local output, status = sign(BODY, (table.unpack or unpack)(case, 2))
      assert.equal(2, status, output)
      assert.truthy(output:find("apivideo: " .. case[1], 1, true), output)
    end
    local output, status = process.run({ "bin/apivideo", "sign", path },
      "APIVIDEO_WEBHOOK_SECRET= XDG_CONFIG_HOME=/nonexistent")
    assert.equal(2, status)
    assert.truthy(output:find("no secret; use --secret or --secret-file, or set APIVIDEO_WEBHOOK_SECRET", 1, true))
  end)
end)
