--- A request as the handlers of a server receive it.

local headers = require "apivideo.util.headers"
local url = require "apivideo.util.url"

---@class apivideo.ServerRequest
---@field method string
---@field target string the raw request-target
---@field path string of the target, raw
---@field query table<string, string|string[]> of the target, decoded; an array if the name is repeated
---@field headers table<string, string|string[]> by name in any case; an array if the name is repeated
---@field body string
---@field peer string the client's numeric address
local Request = {}
Request.__name = "apivideo.ServerRequest"

-- The target is split when `path` or `query` is first read.
---@private
function Request:__index(name)
  if name ~= "path" and name ~= "query" then return nil end
  local path, query = url.split(self.target)
  rawset(self, "path", path)
  rawset(self, "query", url.decode_query(query))
  return rawget(self, name)
end

---@private
function Request:__tostring()
  return ("%s: %s %s"):format(Request.__name, self.method, self.target)
end

local request = {}

---@param method string
---@param target string
---@param request_headers table<string, string|string[]> by lower-case name
---@param body string
---@param peer string
---@return apivideo.ServerRequest
function request.new(method, target, request_headers, body, peer)
  return setmetatable({
    method = method, target = target, headers = headers.any_case(request_headers), body = body, peer = peer,
  }, Request)
end

return request
