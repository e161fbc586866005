-- `apivideo trigger` with an event type that this version does not know: a webhook that subscribes to it receives it.

local apivideo = require "apivideo"
local client_of = require "spec.support.client"
local emulator = require "apivideo.emulator"
local process = require "spec.support.process"
local server = require "apivideo.server"

local TYPE = "player.something.new"

describe("trigger with a new event type #process", function()
  local listening, seen, receiver_secrets

  before_each(function()
    seen, receiver_secrets = {}, { "sig_sec_test" }
    listening = assert(server.listen {
      receiver = apivideo.receiver {
        handlers = apivideo.handlers():otherwise(function(event, delivery)
          seen[#seen + 1] = { event.type, event.videoId, delivery.verified }
        end),
        secrets = function() return receiver_secrets end,
      },
    })
  end)

  after_each(function() listening:stop(0) end)

  -- Runs the command while this process serves. Returns its output; it must succeed.
  local function trigger(...)
    local child = process.start { "bin/apivideo", "trigger", TYPE, "--set", "videoId=vi1", ... }
    local output, status = child:finish(60)
    assert.equal(0, status, output)
    local warning = "apivideo: warning: unknown event type " .. TYPE .. "; sending it anyway"
    assert.truthy(output:find(warning, 1, true), output)
    return output
  end

  it("sends it directly, signed", function()
    trigger("--to", listening.url, "--secret", "sig_sec_test")
    assert.same({ { TYPE, "vi1", true } }, seen)
  end)

  it("sends it through a local api.video to the webhooks that subscribe to it", function()
    local local_api = assert(emulator.start { api_key = "k" })
    finally(function() local_api:stop() end)
    local client = client_of(local_api.url, { api_key = "k" })
    local webhook = assert(client.webhooks:create { url = listening.url, events = { TYPE } })
    receiver_secrets = { webhook.signatureSecret }
    assert(client.webhooks:create { url = listening.url, events = { "video.source.recorded" } })
    local output = trigger("--through", local_api.url, "--api-key", "k")
    assert.truthy(output:find("The local api.video sends the event to 1 webhook.", 1, true), output)
    assert.is_true(local_api:settle(60))
    assert.same({ { TYPE, "vi1", true } }, seen)
  end)
end)
