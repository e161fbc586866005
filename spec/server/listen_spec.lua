--- The port and the descriptors of a server.

local assert_values = require "spec.support.assert_values"
local compile = require "spec.support.compile"
local docs = require "spec.support.docs"
local file = require "spec.support.file"
local poller = require "spec.support.poller"
local process = require "spec.support.process"
local server = require "apivideo.server"

-- Resolves any host to an address that this machine does not have, one that it has, and one more.
local RESOLVER = [[
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
static struct addrinfo *entry(const char *address, unsigned port, struct addrinfo *next) {
  struct addrinfo *info = calloc(1, sizeof *info);
  struct sockaddr_in *in = calloc(1, sizeof *in);
  in->sin_family = AF_INET;
  in->sin_port = htons((unsigned short)port);
  inet_pton(AF_INET, address, &in->sin_addr);
  info->ai_family = AF_INET;
  info->ai_socktype = SOCK_STREAM;
  info->ai_addr = (struct sockaddr *)in;
  info->ai_addrlen = sizeof *in;
  info->ai_next = next;
  return info;
}
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  unsigned port = (unsigned)atoi(service);
  (void)hints;
  if (strcmp(node, "away") == 0) *result = entry("192.0.2.1", port, NULL);
  else *result = entry("192.0.2.1", port, entry("127.0.0.1", port, entry("127.0.0.2", port, NULL)));
  return 0;
}
void freeaddrinfo(struct addrinfo *info) { (void)info; }
]]

-- Rejects each port, as for a process without the rights for it.
local NO_RIGHTS = [[
#include <errno.h>
#include <sys/socket.h>
int bind(int fd, const struct sockaddr *address, socklen_t len) {
  (void)fd, (void)address, (void)len;
  errno = EACCES;
  return -1;
}
]]

local function run_with(source, script)
  local base = os.tmpname()
  file.write(base .. ".c", source)
  assert.is_truthy(os.execute(("cc -shared -fPIC -o %s.so %s.c"):format(base, base)))
  local output = process.run({ "-e", script }, ("LD_PRELOAD=%s.so"):format(base))
  for _, ending in ipairs { "", ".c", ".so" } do os.remove(base .. ending) end
  return output
end

describe("server.listen", function()
  it("tries all addresses of a host, and reports the error of the last one #process", function()
    local output = run_with(RESOLVER, [[
      local server = require "apivideo.server"
      local listening = assert(server.listen { handler = print, host = "several" })
      print(listening.host)
      print(select(2, server.listen { handler = print, host = "away" }).message)]])
    assert.equal("127.0.0.1\ncannot listen on away port 0: this machine does not have that address; use 127.0.0.1 for"
      .. " this machine alone, or 0.0.0.0 for all of its addresses\n", output)
  end)

  it("does not try another address when the port is in use #process", function()
    local output = run_with(RESOLVER, [[
      local server = require "apivideo.server"
      local first = assert(server.listen { handler = print, host = "several" })
      local second, err = server.listen { handler = print, host = "several", port = first.port }
      print(second, err.message)]])
    assert.truthy(output:find("^nil\tcannot listen on several port %d+: the port is in use; choose another"), output)
  end)

  it("names the rights that a port needs #process", function()
    local output = run_with(NO_RIGHTS, [[
      print(select(2, require("apivideo.server").listen { handler = print, port = 80 }))]])
    assert.equal("server: network: cannot listen on 127.0.0.1 port 80: permission denied; ports below 1024 are"
      .. " reserved for root and CAP_NET_BIND_SERVICE: choose another port\n", output)
  end)

  it("raises the soft limit of descriptors as far as necessary #process", function()
    local output = process.run({ "-e", [[
      local server = require "apivideo.server"
      print(server.listen { handler = print, max_connections = 100 } ~= nil)
      print(io.open("/proc/self/limits"):read("*a"):match("Max open files%s+(%d+)"))
      print(select(2, server.listen { handler = print, max_connections = 400 }))]] }, "prlimit --nofile=64:200")
    assert.truthy(output:find("^true\n124\n"), output)
    local message = "max_connections = 400 needs 424 descriptors, and this process may have 200"
    assert.truthy(output:find(message, 1, true), output)
  end)

  if not poller.is_epoll then
    it("rejects more connections than select() can wait for", function()
      local listening, err = server.listen { handler = print, max_connections = 1001 }
      assert.is_nil(listening)
      assert.equal("1001 connections are more than select() can wait for (FD_SETSIZE, 1024 descriptors), which this"
        .. " server uses for lack of epoll: lower max_connections to 1000", err.message)
    end)

    it("closes a connection with a descriptor that select() cannot wait for, and serves others #process", function()
      local output = process.run({ "-e", [[
        local apivideo = require "apivideo"
        local raw = require "spec.support.raw"
        local server = require "apivideo.server"
        local listening = assert(server.listen { handler = function() return 204 end })
        local first = raw.connect(listening.port)
        apivideo.sleep(0.05)
        local files = {}
        for i = 1, 1024 do files[i] = assert(io.open "/dev/null") end
        local second = raw.connect(listening.port)
        second:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        while select(2, second.socket:receive(1)) == "timeout" do apivideo.sleep(0.001) end
        first:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        print((first:read()))]] }, "prlimit --nofile=2000")
      assert.equal("204\n", output)
    end)
  end

  it("ends the README's program with a message when its port is in use #process", function()
    local running = assert(server.listen { handler = print, port = 0 })
    local code
    for _, block in ipairs(docs.blocks("README.md", "lua")) do
      if block.code:find("server", 1, true) then code = block.code end
    end
    -- There is no api.video here: the call of sync is removed.
    code = code:gsub("8080", tostring(running.port)):gsub("assert(%b())", function(call)
      return call:find("webhooks:sync", 1, true) and "" or nil
    end)
    local output, status = process.run({ "-e", code }, "APIVIDEO_API_KEY=key")
    running:stop(0)
    assert.equal(1, status)
    if not assert_values then return end
    local message = ("cannot listen on 127.0.0.1 port %d: the port is in use"):format(running.port)
    assert.truthy(output:find(message, 1, true), output)
  end)

  it("has assert around each call in the documentation and the examples", function()
    local files = docs.files()
    for _, name in ipairs { "durable", "quickstart", "worker" } do files[#files + 1] = "examples/" .. name .. ".lua" end
    for _, path in ipairs(files) do
      for line in docs.read(path):gmatch("[^\n]+") do
        for _, call in ipairs { "server\"?%)?%.serve *[{(]", "server\"?%)?%.listen *{", "emulator\"?%)?%.start *{" } do
          if line:find(call) and not line:find("^#") and not line:find('"http.server"', 1, true) then
            assert.truthy(line:find("assert(", 1, true), path .. ": " .. line)
          end
        end
      end
    end
  end)
end)

it("server names the required version when an older libmicrohttpd is loaded #process", function()
  local path = os.tmpname()
  finally(function() compile.run("rm -f " .. path .. "*") end)
  for version, works in pairs { ["0.9.70"] = false, ["0.9.71"] = true, ["0.9.77"] = true } do
    compile.c(('const char *MHD_get_version(void) { return "%s"; }'):format(version), path, "-shared -fPIC")
    local output = process.run({ "-e", [[
      local listening, err = require("apivideo.server").listen { handler = print }
      print(listening and "listens" or err)]] }, "LD_PRELOAD=" .. path)
    if works then
      assert.truthy(output:find("listens", 1, true), version .. ": " .. output)
    else
      assert.truthy(output:find("needs libmicrohttpd 0.9.71 or newer, and 0.9.70 is loaded", 1, true), output)
      assert.truthy(output:find("install a newer libmicrohttpd", 1, true))
    end
  end
end)
