--- The request and the response of a receiver in nginx.

local errors = require "apivideo.error"
local headers = require "apivideo.util.headers"
local host = require "apivideo.runtime.host"
local log = require "apivideo.runtime.log"

local ngx = host.ngx -- nil elsewhere

local ENOENT = 2
local CLOSE_CONNECTION = 444 -- a status of nginx: it sends no response, and nothing of what it still buffers

local phases = { rewrite = true, access = true, precontent = true, content = true }

local nginx = {}

--- Raises unless nginx has a request whose body can be read.
---@param where? string the function that needs it, default receiver:nginx
---@param elsewhere? string the function for other servers, default receiver:receive
---@param level? integer at which it raises, default 3: at the caller of receiver:nginx
function nginx.check_phase(where, elsewhere, level)
  where, level = where or "receiver:nginx", level or 3
  if not ngx then
    error(("%s: this is not nginx; pass the request to %s"):format(where, elsewhere or "receiver:receive"), level)
  end
  if ngx.config and ngx.config.subsystem == "stream" then
    error(where .. ": nginx's module stream has no HTTP requests; call it in content_by_lua_block of a location in"
      .. " http", level)
  end
  local phase = host.phase()
  if not phases[phase] then
    error(("%s: nginx has no request body in its phase %s; use content_by_lua_block"):format(where, phase), level)
  end
end

-- The error for a body file that cannot be read.
local function unreadable(problem, errno, max_bytes)
  local text = ("the file of the body cannot be read (%s)"):format(problem)
  if errno == ENOENT then
    text = text .. ("; nginx deletes it where another module has read the body before (mirror, client_body_early_read):"
      .. " set client_body_buffer_size to the receiver's max_body, %.0f, or more"):format(max_bytes)
  end
  return errors.new("body_unavailable", text)
end

-- The content of a body file and its size; "" and the size for a body that is too large; or nil, nil and an error.
local function read_file(path, max_bytes)
  local file, problem, errno = io.open(path, "rb")
  if not file then return nil, nil, unreadable(problem, errno, max_bytes) end
  local size = file:seek "end"
  file:seek "set"
  local body = size <= max_bytes and file:read "*a" or ""
  file:close()
  return body, size
end

-- The body and its size. Of a body that is too large, "" and the size, and it is not read if Content-Length announced
-- that. Or nil, nil, and an error.
local function read_body(list, max_bytes)
  local announced = tonumber(list["content-length"])
  if announced and announced > max_bytes then return "", announced end -- nginx discards a body that was not read
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  if body then return body, #body end
  local path = ngx.req.get_body_file()
  if path then return read_file(path, max_bytes) end
  return "", 0
end

local function ignore_abort() end

--- Reads the current request.
---@param max_bytes integer of the body
---@return string method
---@return table<string, string|string[]> list the headers
---@return string? body "" if it is too large
---@return integer? size in bytes
---@return apivideo.Error? err why the body cannot be read
function nginx.read(max_bytes)
  local method, list = ngx.req.get_method(), headers.any_case(ngx.req.get_headers(0))
  local body, size, err = "", 0, nil
  if method == "POST" then body, size, err = read_body(list, max_bytes) end
  -- With lua_check_client_abort on, nginx would end the handlers of a client that closed its connection, although the
  -- event has arrived.
  ngx.on_abort(ignore_abort)
  return method, list, body, size, err
end

--- The path of the current request, without its query.
---@return string
function nginx.path()
  return ngx.var.uri
end

-- Ends a request whose response a handler has sent (ngx.say, ngx.send_headers …), so that the status cannot be changed.
-- If the delivery failed, the connection is closed, so that the sender gets no complete response.
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

--- Sends the response, and ends the request.
---@param status integer
---@param list table<string, string> headers
function nginx.respond(status, list)
  if ngx.headers_sent then return end_sent(status) end
  if status == 204 then return ngx.exit(status) end
  ngx.status = status
  for name, value in pairs(list) do ngx.header[name] = value end
  ngx.header["Content-Length"] = 0 -- without it, nginx sends its own error page
  ngx.send_headers()
  return ngx.exit(status)
end

return nginx
