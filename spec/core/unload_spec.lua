-- A host may close its Lua state and continue, as nginx does with its code cache off. lua_close unloads C modules, in
-- which libcurl's resolver thread may still be running.

local compile = require "spec.support.compile"

-- Runs a script in a Lua state, closes it, and waits for the other threads. Its getaddrinfo, which all libraries call,
-- blocks until the state is closed; two seconds at most, because libcurl before 7.87 waits for it.
local HOST = [[
#include <dirent.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static volatile int closed;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  int i;
  (void)node; (void)service; (void)hints; (void)result;
  for (i = 0; i < 2000 && !closed; i++) usleep(1000);
  return EAI_FAIL;
}

static int count_threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  while (readdir(tasks) != NULL) count++;
  closedir(tasks);
  return count - 2; /* . and .. */
}

static int is_mapped(const char *name) {
  char line[4096];
  int found = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps) != NULL) found |= strstr(line, name) != NULL;
  fclose(maps);
  return found;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  int i;
  luaL_openlibs(L);
  if (luaL_dostring(L, argv[1]) != 0) {
    puts(lua_tostring(L, -1));
    return 1;
  }
  lua_close(L);
  closed = 1;
  for (i = 0; i < 10000 && count_threads() > 1; i++) usleep(1000);
  for (i = 2; i < argc; i++) printf("%s %s\n", argv[i], is_mapped(argv[i]) ? "mapped" : "unmapped");
  puts("alive");
  return 0;
}
]]

describe("closing a Lua state", function()
  local host = os.tmpname()

  setup(function()
    compile.c(HOST, host, ("-rdynamic $(pkg-config --cflags --libs %s)"):format(compile.package))
  end)

  teardown(function()
    for _, ending in ipairs { "", ".c", ".log" } do os.remove(host .. ending) end
  end)

  local function run(script, names)
    return compile.run(("%s '%s' %s 2>&1 < /dev/null"):format(host, script, names or ""))
  end

  it("keeps the code mapped that a resolver thread of libcurl runs #process", function()
    assert.equal("alive\n", run [[
      local pool = assert(require("apivideo.core").http.new())
      assert(pool:start { method = "GET", url = "http://slow.example/", timeout = 60, connect_timeout = 0.2,
        max_body = 100, max_header = 100, proxy = "" })
      repeat until pool:step(1)]])
  end)

  it("keeps the modules mapped, also while a request runs #process", function()
    assert.equal("/apivideo/core.so mapped\n/core/http.so mapped\n/apivideo/server/core.so mapped\nalive\n", run([[
      require "apivideo.server.core"
      local pool = assert(require("apivideo.core").http.new())
      assert(pool:start { method = "GET", url = "http://slow.example/", timeout = 60, connect_timeout = 60,
        max_body = 100, max_header = 100, proxy = "" })
      pool:step(0)]], "/apivideo/core.so /core/http.so /apivideo/server/core.so"))
  end)
end)
