--- Peers and clients for specs of retries.

local apivideo = require "apivideo"
local running = require "spec.support.running"
local tables = require "apivideo.util.tables"

local steps = {}

--- A webhook as a response has it, and the options that create it.
steps.WEBHOOK = '{"webhookId":"webhook_1","url":"https://example.com/","events":["video.source.recorded"]}'
steps.WANTED = { url = "https://example.com/", events = { "video.source.recorded" } }

--- Steps of a peer.
steps.FOUND = { "200 OK", nil, steps.WEBHOOK }

function steps.close() return false end

function steps.reset(connection)
  connection:reset()
  return false
end

function steps.truncate(connection)
  connection:send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
  return false
end

function steps.stall(connection)
  connection:read_request()
  return false
end

--- Starts a peer that handles each request with the next step, and all further ones with the last step. A step is a
--- status line, { status, headers, body }, or a function(connection, request), which returns false to close the
--- connection.
---@return string url, string[] asked the lines of the requests
function steps.serve(...)
  local list, asked = { ... }, {}
  local p = running.peer(function(connection)
    while true do
      local request = connection:read_request()
      if not request then return end
      asked[#asked + 1] = request.line:match("^(%S+ [^? ]+)")
      local step = list[math.min(#asked, #list)]
      if type(step) == "function" then
        if step(connection, request) == false then return end
      elseif type(step) == "table" then
        connection:respond(step[1], step[2], step[3])
      else
        connection:respond(step)
      end
    end
  end)
  return p.url, asked
end

function steps.client_of(url, more)
  local options = tables.merge({ api_key = "key", base_url = url }, more)
  return apivideo.client(options)
end

return steps
