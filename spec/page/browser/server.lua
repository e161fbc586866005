-- The servers of make check-page: a receiver, and its page on a port of its own. Arguments: the options as JSON.
-- Prints the URL of the page and that of the receiver.

local apivideo = require "apivideo"
local json = require "apivideo.util.json"

local options = assert(json.decode(arg[1]))
apivideo.log { write = function() end }

-- Handlers by the id of the video, so that a test chooses the outcome.
local handlers = apivideo.handlers():on("video.*", function(event)
  if event.videoId == "vi_fails" then error("the disk is full: " .. (event.title or "")) end
  if event.videoId == "vi_slow" then apivideo.sleep(0.3) end
end)

local inbox = options.inbox and apivideo.inbox { store = apivideo.inbox.sqlite { path = options.inbox } }

-- The activity of a test, instead of that of an hour.
if options.activity then
  function inbox:activity() return options.activity end -- luacheck: ignore 212
end

local receiver = apivideo.receiver { handlers = not inbox and handlers or nil, inbox = inbox or nil,
  secrets = options.secret }
local page = apivideo.page { receiver = receiver, write = options.write, token = options.token,
  forward_to = options.forward_to }

apivideo.run(function()
  local page_server = assert(apivideo.server.listen { receiver = page, port = options.page_port })
  local receiver_server = assert(apivideo.server.listen { receiver = receiver, port = options.receiver_port })
  if options.work then
    local terms = { max_attempts = 2, backoff = 0.01, pause_after = options.pause_after }
    apivideo.spawn(function() inbox:work(handlers, terms) end)
  end
  print(("page %s receiver %s"):format(page:url(page_server.url), receiver_server.url))
  io.stdout:flush()
  page_server:run()
end)
