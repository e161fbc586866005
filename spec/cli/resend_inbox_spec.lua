local apivideo = require "apivideo"
local cjson = require "cjson"
local file = require "spec.support.file"
local peer = require "spec.support.peer"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"

local TYPES = { "video.source.recorded", "video.encoding.quality.completed", "video.source.recorded" }

describe("command resend, of what inbox export wrote #process", function()
  local path, inbox, app, bodies

  before_each(function()
    path, app, bodies = os.tmpname(), peer.responding "204 No Content", {}
    inbox = apivideo.inbox { store = sqlite { path = path } }
    for i, type in ipairs(TYPES) do
      local event = apivideo.events:sample(type)
      event.videoId, event.emittedAt = "vi" .. i, nil
      bodies[i] = cjson.encode(event)
      assert(inbox:put { event = assert(apivideo.parse(bodies[i])), raw = bodies[i], verified = true,
        webhook_id = i == 1 and "webhook_1" or nil })
    end
  end)
  after_each(function()
    app.stop()
    inbox:close()
    for _, ending in ipairs { "", "-wal", "-shm", ".jsonl" } do os.remove(path .. ending) end
  end)

  -- Pipes the export of the inbox into resend. Returns its output and exit status.
  local function pipe(filters, arguments, environment)
    local export = process.command { "bin/apivideo", "inbox", "export", "--store", "sqlite:" .. path,
      (table.unpack or unpack)(filters) }
    local resend = process.command { "bin/apivideo", "resend", "-", "--to", app.url,
      (table.unpack or unpack)(arguments) }
    local script = ("{ %s | %s; } 2>&1; echo $?"):format(export, resend)
    local output = process.run({ "-e", ("os.execute(%q)"):format(script) },
      "XDG_CONFIG_HOME=/nonexistent APIVIDEO_WEBHOOK_SECRET=" .. (environment or ""))
    local text, status = output:match "^(.*)(%d+)\n$"
    return text, tonumber(status)
  end

  local function header(request, name) return peer.values(request, name)[1] end

  it("signs the bodies of standard input", function()
    local output, status = pipe({ "--since", "1d" }, { "--secret", "a secret" })
    assert.equal(0, status, output)
    assert.matches("delivered line 1  video.source.recorded  204 in ", output, 1, true)
    assert.matches("\n3 delivered, 0 failed\n$", output)
    local sent = {}
    for _, request in ipairs(app.requests) do
      sent[request.body] = header(request, "x-api-video-webhookid")
      assert.equal(apivideo.sign(request.body, "a secret"), header(request, "x-api-video-signature"))
      assert.equal("application/json", header(request, "content-type"))
    end
    assert.same({ [bodies[1]] = "webhook_1", [bodies[2]] = "webhook_0000000000000000000000",
      [bodies[3]] = "webhook_0000000000000000000000" }, sent)
  end)

  it("selects, changes, and uses the secret of the environment", function()
    local output, status = pipe({ "--video", "vi2" }, { "--set", "videoId=vi9" }, "of-the-environment")
    assert.equal(0, status, output)
    assert.equal(1, #app.requests)
    assert.equal("vi9", cjson.decode(app.requests[1].body).videoId)
    assert.equal(apivideo.sign(app.requests[1].body, "of-the-environment"),
      header(app.requests[1], "x-api-video-signature"))
    output, status = pipe({}, { "--type", "video.source.*", "--secret", "s" })
    assert.equal(0, status, output)
    assert.equal(3, #app.requests)
  end)

  it("sends the exact bytes of a body that is not UTF-8, from a file", function()
    local raw = '{"type":"video.source.recorded","videoId":"\255"}'
    assert(inbox:put { raw = raw, err = select(2, apivideo.parse(raw)), verified = true })
    local export = process.run { "bin/apivideo", "inbox", "export", "--store", "sqlite:" .. path }
    file.write(path .. ".jsonl", export)
    local output, status = process.run({ "bin/apivideo", "resend", path .. ".jsonl", "--to", app.url, "--secret", "s" })
    assert.equal(0, status, output)
    local bytes = {}
    for _, request in ipairs(app.requests) do bytes[request.body] = true end
    assert.is_true(bytes[raw])
  end)

  it("needs a secret", function()
    local output, status = pipe({}, {})
    assert.equal(2, status)
    assert.matches("standard input: an export of an inbox has no signatures; use --secret or --secret-file", output, 1,
      true)
    assert.equal(0, #app.requests)
  end)

  it("leaves out handled events, of which the inbox has no body", function()
    local video = assert(inbox:claim())[1]
    assert(video:complete())
    local output, status = pipe({}, { "--secret", "s" })
    assert.equal(0, status, output)
    assert.matches("standard input: 1 entry has no body, and is left out; only an inbox with the option retain_bodies",
      output, 1, true)
    assert.matches("2 delivered, 0 failed", output, 1, true)
    output, status = pipe({ "--state", "done" }, { "--secret", "s" })
    assert.equal(1, status)
    assert.matches("standard input: no delivery is selected", output, 1, true)
    output, status = pipe({ "--store", "sqlite:/nonexistent" }, { "--secret", "s" })
    assert.equal(1, status)
    assert.matches("standard input: no delivery is selected", output, 1, true)
  end)
end)
