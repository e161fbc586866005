--- Pages for specs, and requests to them as a browser on this machine sends them.

local apivideo = require "apivideo"
local json = require "apivideo.util.json"
local tables = require "apivideo.util.tables"
local testing = require "apivideo.testing"

local pages = { SECRET = "sig_sec_0000000000000000000000", HOST = "127.0.0.1:9000" }

--- A receiver with handlers, and its page.
---@param more? table options of the page
---@param options? table options of the receiver
---@return apivideo.Page
---@return apivideo.Receiver
function pages.new(more, options)
  local settings = tables.merge({ secrets = pages.SECRET }, options)
  if not settings.inbox then settings.handlers = settings.handlers or apivideo.handlers():otherwise(function() end) end
  if settings.unsigned then settings.secrets = nil end
  local receiver = apivideo.receiver(settings)
  return apivideo.page(tables.merge({ receiver = receiver }, more)), receiver
end

--- Sends an event to a receiver, and returns the delivery and the status.
---@param receiver apivideo.Receiver
---@param type? string
---@param fields? table
---@param secret? string
function pages.deliver(receiver, type, fields, secret)
  local delivery = testing.delivery(type or "video.source.recorded", fields, secret or pages.SECRET)
  return delivery, (receiver:receive(delivery))
end

--- A request as the page's script sends it.
---@param method string
---@param path string with a query
---@param headers? table<string, string>
---@param more? table other fields of the request
function pages.request(method, path, headers, more)
  local query = {}
  for name, value in (path:match "%?(.*)" or ""):gmatch "([^&=]+)=([^&]*)" do query[name] = value end
  local list = { Host = pages.HOST }
  if method == "POST" then list["X-Apivideo-Page"] = "1" end
  for name, value in pairs(headers or {}) do list[name] = value or nil end
  return tables.merge({ method = method, path = path:match "^[^?]*", query = query, headers = list,
    peer = "127.0.0.1" }, more)
end

--- Sends such a request. Returns the decoded body (or the text, if it is not JSON), the status and the headers.
---@return any body
---@return integer status
---@return table<string, string> headers
function pages.call(page, method, path, headers, more)
  local status, list, body = page:receive(pages.request(method, path, headers, more))
  if list["Content-Type"] == "application/json" then body = json.decode(body) end
  return body, status, list
end

return pages
