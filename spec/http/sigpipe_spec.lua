-- libcurl before 7.87 lets OpenSSL write to a connection without MSG_NOSIGNAL: when the peer has reset it, SIGPIPE ends
-- the process. Here, a preloaded library makes every libcurl do that.

local certificates = require "spec.support.certificates"
local compile = require "spec.support.compile"
local lfs = require "lfs"
local process = require "spec.support.process"
local running = require "spec.support.running"
local runtime = require "apivideo.runtime"
local socket = require "socket"
local tls_front = require "spec.support.tls_front"

local SIGNALLING = [[
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t send(int fd, const void *data, size_t len, int flags) {
  int error;
  socklen_t error_len = sizeof error;
  /* Reads the reset, as an older libcurl does before it writes: the next write raises SIGPIPE. */
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
  return syscall(SYS_sendto, fd, data, len, flags & ~MSG_NOSIGNAL, NULL, 0);
}
]]

-- A TCP relay to a port. `reset` resets the relayed connection.
local function relay_to(port)
  local relay
  local p = running.peer(function(connection)
    local upstream = assert(socket.connect("127.0.0.1", port))
    local done = false
    upstream:settimeout(0)
    runtime.watch(upstream:getfd(), function()
      local data, problem, partial = upstream:receive(65536)
      data = data or partial
      if data ~= "" then connection:send(data) end
      if problem == "closed" then runtime.unwatch(upstream:getfd()) end
    end)
    function relay.reset()
      done = true
      runtime.unwatch(upstream:getfd())
      upstream:close()
      connection:reset()
    end
    while not done and connection:read_more() do
      upstream:send(connection.received)
      connection.received = ""
    end
  end)
  relay = { port = p.port }
  return relay
end

describe("a connection over TLS that the peer has reset", function()
  local library = os.tmpname()
  local authority

  setup(function()
    compile.c(SIGNALLING, library .. ".so", "-shared -fPIC")
    authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
  end)

  teardown(function()
    authority:remove()
    for _, ending in ipairs { "", ".so", ".so.c", ".so.log" } do os.remove(library .. ending) end
  end)

  after_each(running.stop)

  -- Runs a child that makes a request, has the connection reset, and then runs `after`. Returns its output.
  local function run(after)
    local peer = running.responding("200 OK", nil, "x")
    local relay = relay_to(tls_front(authority, nil, peer.port))
    local control = running.serving(function()
      relay.reset()
      return "200 OK"
    end)
    return process.run({ "-e", ([[
      local http, ca_file = require "apivideo.transport.http", "%s"
      local function get(url)
        return assert(http.request { method = "GET", url = url, timeout = 60, ca_file = ca_file, proxy = "" })
      end
      get "https://127.0.0.1:%d/"
      get "%s"
      %s
      print "alive"]]):format(authority:path "ca.crt", relay.port, control.url,
        after:format(relay.port)) }, ("--default-signal=PIPE LD_PRELOAD=%s.so"):format(library)) -- LuaSocket ignores it
  end

  it("does not end the process at the next request #process", function()
    assert.same({ "alive\n", 0 }, { run('get "https://127.0.0.1:%d/"') })
  end)

  it("does not end the process when the pool closes #process", function()
    assert.same({ "alive\n", 0 }, { run('require("apivideo.runtime.standalone").release()') })
  end)

  it("leaves the application's SIGPIPE as it is #process", function()
    -- The reader of the shell's pipe has ended: the write must end the process by the signal, 128 + 13.
    local output, status = run [[
      require("apivideo.runtime.standalone").release()
      local pipe = io.popen("true", "w")
      for _ = 1, 1000 do pipe:write(("x"):rep(1e5)) end]]
    assert.equal("", output)
    assert.equal(128 + 13, status)
  end)
end)

-- A program with sigpipe.c: two threads see one SIGPIPE that is pending for the process, and only one of them
-- can consume it.
local HOST = [[
#include <pthread.h>
#include <unistd.h>
#include "SOURCE"
static pthread_barrier_t barrier;
static void *run(void *unused) {
  sigpipe_mask saved;
  sigset_t set;
  set_of_sigpipe(&set);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  sigpipe_block(&saved);
  (void)pthread_barrier_wait(&barrier);
  (void)pthread_barrier_wait(&barrier);
  sigpipe_restore(&saved);
  return unused;
}
int main(void) {
  sigset_t set;
  int i, k;
  (void)alarm(30);
  set_of_sigpipe(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
  (void)pthread_barrier_init(&barrier, NULL, 3);
  for (i = 0; i < 2000; i++) {
    pthread_t threads[2];
    for (k = 0; k < 2; k++) (void)pthread_create(&threads[k], NULL, run, NULL);
    (void)pthread_barrier_wait(&barrier);
    (void)kill(getpid(), SIGPIPE);
    (void)pthread_barrier_wait(&barrier);
    for (k = 0; k < 2; k++) (void)pthread_join(threads[k], NULL);
  }
  return 0;
}
]]

describe("a SIGPIPE that is pending for the process", function()
  it("blocks no thread that sees it #process", function()
    local path = os.tmpname()
    compile.c((HOST:gsub("SOURCE", lfs.currentdir() .. "/src/common/sigpipe.c")), path .. ".host", "-lpthread")
    local status = os.execute(path .. ".host")
    os.execute(("rm -f %s %s.host*"):format(path, path))
    assert.truthy(status == true or status == 0, tostring(status))
  end)
end)
