--- Runs bench/http_loop.c with the requests of a client.

--- Microseconds of a request: of processor time, and in all.
---@param program string
---@param request apivideo.transport.Request a GET, as of the transport
---@param count integer of requests
---@return number busy
---@return number elapsed
return function(program, request, count)
  local pipe = assert(io.popen(("%s %s %d %s %s '%s'"):format(program, request.url, count, request.ca_file,
    request.username, table.concat(request.headers, "' '"))))
  local busy, elapsed = pipe:read("*n", "*n")
  pipe:close()
  return assert(busy, program .. " failed"), elapsed
end
