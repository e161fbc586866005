-- Versions of libcrypto that behave differently from the installed one: simulated by a library that is preloaded.

local compile = require "spec.support.compile"
local file = require "spec.support.file"
local process = require "spec.support.process"
local temporary = require "spec.support.temporary"

-- OpenSSL 3.0.2 (openssl issue 17811): without a key, EVP_MAC_init reports success and does nothing.
local OLD = [[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
unsigned long OpenSSL_version_num(void);
unsigned long OpenSSL_version_num(void) { return 0x30000020L; }
int EVP_MAC_init(void *context, const unsigned char *key, size_t length, const void *params);
int EVP_MAC_init(void *context, const unsigned char *key, size_t length, const void *params) {
  union { void *object; int (*function)(void *, const unsigned char *, size_t, const void *); } real;
  if (key == NULL) return 1;
  real.object = dlsym(RTLD_NEXT, "EVP_MAC_init");
  return real.function(context, key, length, params);
}
]]

local SCRIPT = [[
local signature = require("apivideo.core").signature
for _, key in ipairs { "a", "a", "b", "a", "a" } do
  for _, body in ipairs { "first", "second" } do
    local hex = signature.hmac(key):update(body):sign()
    local signed = signature.sign(body, key) == hex
    print(signed, signature.verify(body, hex, key), signature.verify(body, hex, { "x", key, "x" }))
  end
end
]]

-- Compiles a library and runs the script with it. Returns the output of the script.
local function run_with(source)
  local base = os.tmpname()
  file.write(base .. ".c", source)
  local command = "cc -shared -fPIC -Wl,--no-as-needed -o %s.so %s.c $(pkg-config --libs libcrypto) -ldl"
  assert.is_truthy(os.execute(command:format(base, base)))
  local output = process.run({ "-e", SCRIPT }, ("LD_PRELOAD=%s.so"):format(base))
  for _, ending in ipairs { "", ".c", ".so" } do os.remove(base .. ending) end
  return output
end

-- OpenSSL 1.1.1 has no EVP_MAC.
local describe_evp_mac = compile.run "pkg-config --modversion libcrypto":find "^1%." and pending or describe

describe_evp_mac("signatures with OpenSSL 3.0.2", function()
  it("are also right after the first one of a key, although a context cannot be reinitialized #process", function()
    assert.equal(("true\ttrue\ttrue\n"):rep(10), run_with(OLD))
  end)

  it("are calculated without reinitializing a context #process", function()
    local aborting = OLD:gsub("return 1;", "__builtin_trap();")
    assert.equal(("true\ttrue\ttrue\n"):rep(10), run_with(aborting))
  end)
end)

describe_evp_mac("signatures with a later OpenSSL", function()
  it("reinitialize the context for the same key #process", function()
    local counting = OLD:gsub("0x30000020L", "0x30000030L"):gsub("return 1;", "__builtin_trap();")
    assert.not_equal(("true\ttrue\ttrue\n"):rep(10), run_with(counting))
  end)
end)

describe("the module", function()
  -- OpenSSL's version header with another number.
  local HEADER = [[
  #include_next <openssl/opensslv.h>
  #undef OPENSSL_VERSION_NUMBER
  #define OPENSSL_VERSION_NUMBER 0x101000cfL
  ]]

  local OLD_LIBRARY = [[
  unsigned long OpenSSL_version_num(void);
  unsigned long OpenSSL_version_num(void) { return 0x101000cfL; }
  const char *OpenSSL_version(int what);
  const char *OpenSSL_version(int what) { (void)what; return "OpenSSL 1.1.0l  10 Sep 2019"; }
  ]]

  local directory

  setup(function() directory = temporary.directory() end)

  teardown(function() compile.run("rm -rf " .. directory) end)

  it("does not build with OpenSSL below its floor #process", function()
    local output = compile.module_with(directory, "openssl/opensslv.h", HEADER)
    assert.truthy(output:find("OpenSSL 1.1.1 or newer is needed", 1, true), output)
  end)

  it("does not load with OpenSSL below its floor #process", function()
    local library = directory .. "/old.so"
    compile.c(OLD_LIBRARY, library, "-shared -fPIC")
    local output = process.run({ "-e", [[print(pcall(require, "apivideo.core"))]] }, "LD_PRELOAD=" .. library)
    assert.equal("false\tapivideo: OpenSSL 1.1.1 or newer is needed, and this is OpenSSL 1.1.0l  10 Sep 2019; update "
      .. "libcrypto, or name the directory of a newer one in LD_LIBRARY_PATH\n", output)
  end)
end)
