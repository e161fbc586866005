--- What specs of calls need from a peer: one that never responds, and a response to any GET.

local running = require "spec.support.running"

local responses = {}

--- A response that any function of a resource accepts.
responses.ANYTHING = '{"webhookId":"webhook_1","videoId":"vi1","liveStreamId":"li1","url":"https://example.com/",'
  .. '"events":["x"],"data":[]}'

--- A webhook that a client creates.
responses.WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

--- Starts a peer that reads requests, and never responds.
function responses.stalling()
  return running.serving(function() end)
end

return responses
