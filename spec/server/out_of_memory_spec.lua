--- A response that must close its connection, while libmicrohttpd has no memory for "Connection: close".

local compile = require "spec.support.compile"
local process = require "spec.support.process"

-- Replaces libmicrohttpd's function: only the first response, which the server creates when it starts, gets a
-- Connection header.
local NO_CONNECTION_HEADER = [[
#include <dlfcn.h>
#include <microhttpd.h>
#include <string.h>
static int count;
enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *name, const char *value) {
  enum MHD_Result (*real)(struct MHD_Response *, const char *, const char *);
  if (strcmp(name, "Connection") == 0 && count++ > 0) return MHD_NO;
  *(void **)&real = dlsym(RTLD_NEXT, "MHD_add_response_header");
  return real(response, name, value);
}]]

describe("server out of memory", function()
  it("closes the connection after a chunked request although the response cannot say so #process", function()
    local path = os.tmpname()
    finally(function() compile.run("rm -f " .. path .. "*") end)
    compile.c(NO_CONNECTION_HEADER, path, "-shared -fPIC -Wl,--no-as-needed -lmicrohttpd -ldl")
    local output = process.run({ "-e", [[
      local raw = require "spec.support.raw"
      local server = require "apivideo.server"
      local running = assert(server.listen { handler = function(request)
        print(request.path)
        return 200, nil, request.path == "/body" and "body" or ""
      end })
      for _, path in ipairs { "/empty", "/body" } do
        local connection = raw.connect(running.port)
        connection:send("POST " .. path .. " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
          .. "1\r\nx\r\n0\r\n\r\n"
          .. "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        while connection:read() do end
        connection:close()
      end]] }, "LD_PRELOAD=" .. path)
    assert.equal("/empty\n/body\n", output)
  end)
end)
