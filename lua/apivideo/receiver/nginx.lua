--- A receiver inside nginx: from nginx's request to its answer.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local host = require "apivideo.runtime.host"
local log = require "apivideo.runtime.log"
local options = require "apivideo.util.options"

local ngx = host.ngx -- nil elsewhere: the receiver has this function everywhere

local ENOENT = 2

---@class apivideo.NginxOptions
---@field respond? boolean default true; false: the status, headers and body are returned, and nothing is sent

local phases = { rewrite = true, access = true, precontent = true, content = true }

-- Raises, at the caller of receiver:nginx, where it was called with a dot, or there is no request to be
-- read.
local function check_call(receiver)
  if type(receiver) ~= "table" or not receiver.max_body then
    error("receiver:nginx: call it with a colon, receiver:nginx(…)", 3)
  end
  if not ngx then
    error("receiver:nginx: this is not nginx; pass what arrived to receiver:receive", 3)
  end
  if ngx.config and ngx.config.subsystem == "stream" then
    error("receiver:nginx: nginx's module stream has no HTTP requests; call it in content_by_lua_block of a location in"
      .. " http", 3)
  end
  local phase = host.phase()
  if not phases[phase] then
    error(("receiver:nginx: nginx has no body to be read in its phase %s; use content_by_lua_block")
      :format(phase), 3)
  end
end

-- Why the file of a body cannot be read.
local function unreadable(problem, errno, most)
  local text = ("the file of the body cannot be read (%s)"):format(problem)
  if errno == ENOENT then
    text = text .. ("; nginx deletes it where another module has read the body before (mirror, client_body_early_read):"
      .. " set client_body_buffer_size to the receiver's max_body, %.0f, or more"):format(most)
  end
  return errors.new("body_unavailable", text)
end

-- A body that nginx keeps in a file, and its size, without the bytes where it is too large; or nil, nil, and an error.
local function read_file(path, most)
  local file, problem, errno = io.open(path, "rb")
  if not file then return nil, nil, unreadable(problem, errno, most) end
  local size = file:seek "end"
  file:seek "set"
  local body = size <= most and file:read "*a" or ""
  file:close()
  return body, size
end

-- The request's body and its size, without the bytes where it is too large, if possible unread; or nil,
-- nil, and an error.
local function read_body(list, most)
  local told = tonumber(list["content-length"])
  if told and told > most then return "", told end -- nginx throws away what nobody has read
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  if body then return body, #body end
  local path = ngx.req.get_body_file()
  if path then return read_file(path, most) end
  return "", 0
end

-- Keeps nginx from ending the handlers of a client that left (where lua_check_client_abort is on): the
-- event has arrived.
local function go_on() end

local CLOSE_CONNECTION = 444 -- nginx's own status: no response, and nothing of what it still buffers

-- Ends a request whose response a handler sent (ngx.say, ngx.send_headers …). The status cannot be changed any more:
-- where it should have been a failure, the connection is closed, so that the sender gets no complete response.
local function end_sent(status)
  local sent = ngx.status
  if status < 300 then
    log.warn(("a handler sent the response (%d) instead of the receiver; handlers must not print"):format(sent))
    return ngx.exit(ngx.OK)
  end
  log.error(("a handler sent the response (%d) before the delivery failed with %d; the connection is closed, but"
    .. " api.video may not send the event again; handlers must not print"):format(sent, status))
  return ngx.exit(CLOSE_CONNECTION)
end

local function send(status, list)
  ngx.status = status
  for name, value in pairs(list) do ngx.header[name] = value end
  ngx.header["Content-Length"] = 0 -- or nginx sends a page of its own
  ngx.send_headers()
  return ngx.exit(status)
end

--- Makes the method of receivers that takes the request that nginx has now, and answers it.
---@param take fun(receiver: apivideo.Receiver, method: string, headers: table, body: string, size: integer, path: string?): integer
---@param refuse_unread fun(receiver: apivideo.Receiver, err: apivideo.Error): integer for a body that cannot be read
---@param headers_of fun(status: integer): table<string, string>
return function(take, refuse_unread, headers_of)
  return function(receiver, given)
    check_call(receiver)
    if given then options.check("receiver:nginx", given, { respond = "boolean?" }) end
    local method, list = ngx.req.get_method(), headers.any_case(ngx.req.get_headers(0))
    local body, size, err = "", 0, nil
    if method == "POST" then body, size, err = read_body(list, receiver.max_body) end
    ngx.on_abort(go_on)
    local path = receiver:_is_probe(method) and ngx.var.uri or nil
    local status = err and refuse_unread(receiver, err) or take(receiver, method, list, body, size, path)
    if given and given.respond == false then return status, headers_of(status), "" end
    if ngx.headers_sent then return end_sent(status) end
    if status == 204 then return ngx.exit(status) end
    return send(status, headers_of(status))
  end
end
