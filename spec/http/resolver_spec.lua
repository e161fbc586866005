-- libcurl resolves host names in a thread, and does nothing else there. That must not block any other work.

local file = require "spec.support.file"
local libcurl = require "spec.support.libcurl"
local process = require "spec.support.process"

-- A resolver that takes six seconds, and then fails.
local SLOW = [[
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  (void)node; (void)service; (void)hints; (void)result;
  sleep(9);
  return EAI_FAIL;
}
]]

local SCRIPT = [[
local apivideo = require "apivideo"
local runtime = require "apivideo.runtime"
local client = apivideo.client { api_key = "k", base_url = "http://slow.example", retries = 0 }
local options = { { connect_timeout = 0.2 }, { total_timeout = 0.2 }, { cancel = apivideo.cancellation() } }
local began = runtime.monotonic()
local _, errs = apivideo.parallel(4, { 1, 2, 3, 4 }, function(i)
  if not options[i] then
    apivideo.sleep(0.2)
    options[3].cancel:cancel()
  else
    return client.webhooks:list(nil, options[i])
  end
end)
for i = 1, 3 do print(errs[i].kind) end
print(runtime.monotonic() - began < 7 and "in time" or "late")
os.exit(0, false)
]]

describe("a slow resolver", function()
  it("delays neither time limits, nor cancelling, nor other tasks #process", function()
    libcurl.needs(pending, "7.87.0", "does not wait for its resolver")
    libcurl.needs_threads(pending, "calls getaddrinfo, which the spec makes slow")
    local base = os.tmpname()
    file.write(base .. ".c", SLOW)
    assert.is_truthy(os.execute(("cc -shared -fPIC -o %s.so %s.c"):format(base, base)))
    local output = process.run({ "-e", SCRIPT }, ("LD_PRELOAD=%s.so"):format(base))
    for _, ending in ipairs { "", ".c", ".so" } do os.remove(base .. ending) end
    assert.equal("timeout\ntimeout\ncancelled\nin time\n", output)
  end)
end)
