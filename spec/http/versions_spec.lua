-- The libcurl at run time may be older or newer than the headers of the build. The module's behaviour depends only on
-- the version at run time.

local certificates = require "spec.support.certificates"
local compile = require "spec.support.compile"
local libcurl = require "spec.support.libcurl"
local process = require "spec.support.process"
local running = require "spec.support.running"
local temporary = require "spec.support.temporary"

-- Makes libcurl look like another version, without later options if it is older than 7.71, and OpenSSL like a fork.
local DISGUISE = [[
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#undef curl_easy_setopt

static void *find(const char *name) {
  return dlsym(dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD), name);
}

curl_version_info_data *curl_version_info(CURLversion age) {
  static curl_version_info_data disguise;
  curl_version_info_data *(*original)(CURLversion);
  *(void **)&original = find("curl_version_info");
  disguise = *original(age);
  disguise.version_num = VERSION;
  disguise.age = CURLVERSION_SIXTH;
  disguise.ssl_version = "quictls/3.1.4";
  return &disguise;
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...) {
  CURLcode (*original)(CURL *, CURLoption, ...);
  va_list arguments;
  void *value;
  *(void **)&original = find("curl_easy_setopt");
  va_start(arguments, option);
  value = va_arg(arguments, void *);
  va_end(arguments);
  return VERSION < 0x074700 && option % 10000 >= 290 ? CURLE_UNKNOWN_OPTION : original(easy, option, value);
}
]]

-- curl's version header with another number.
local HEADER = [[
#include_next <curl/curl.h>
#undef LIBCURL_VERSION_NUM
#define LIBCURL_VERSION_NUM %s
]]

describe("the module", function()
  local directory
  local name = jit and "jit" or _VERSION:match "%d%.%d"

  setup(function() directory = temporary.directory() end)

  teardown(function() compile.run("rm -rf " .. directory) end)

  after_each(running.stop)

  -- Builds the module with headers of a version number. Returns the output of make and the compiler.
  local function build_with_headers(number)
    return compile.module_with(directory, "curl/curl.h", HEADER:format(number), "core/http")
  end

  -- The environment of a child with a libcurl that looks like another version.
  local function disguise_as(number)
    local library = ("%s/%s.so"):format(directory, number)
    compile.c(DISGUISE, library, ("-shared -fPIC -DVERSION=%s $(pkg-config --cflags libcurl)"):format(number))
    return "LD_PRELOAD=" .. library
  end

  -- Runs a child that makes requests to a peer, which reads each one and closes the connection. Returns the child's
  -- output, and the number of requests.
  local function failures_in(environment)
    local p
    p = running.peer(function(connection)
      p.requests[#p.requests + 1] = connection:read_request()
    end)
    local output = process.run({ "-e", ([[
      local http = require "apivideo.transport.http"
      for _, method in ipairs { "POST", "GET", "DELETE" } do
        local request = { method = method, url = "%s", timeout = 60, proxy = "" }
        local _, err, sent = http.request(request)
        print(err.kind, sent)
      end
      print(select(2, http.request { method = "GET", url = "ftp://127.0.0.1/" }).kind)]]):format(p.url) }, environment)
    return output, #p.requests
  end

  local EXPECTED = { ("network\ttrue\n"):rep(3) .. "invalid_request\n", 3 }

  it("reports what was sent when it was built with older headers #process", function()
    assert.equal("", build_with_headers "0x074400")
    local cpath = ("LUA_CPATH='%s/%s/?.so;%s'"):format(directory, name, package.cpath)
    assert.same(EXPECTED, { failures_in(cpath) })
  end)

  it("reports what was sent when it runs with an older libcurl #process", function()
    assert.same(EXPECTED, { failures_in(disguise_as "0x074400") })
  end)

  it("neither builds nor runs with a libcurl below its floor #process", function()
    assert.matches("libcurl 7.68.0 or newer is needed", build_with_headers "0x074300", 1, true)
    local output = process.run({ "-e", [[print(require("apivideo.core").http.new())]] }, disguise_as "0x074300")
    assert.equal("nil\tlibcurl 7.68.0 or newer is needed, and an older one was loaded; update libcurl, or name "
      .. "the directory of a newer one in LD_LIBRARY_PATH\n", output)
  end)

  it("does not prompt for the passphrase of a key when the TLS library is a fork of OpenSSL #process", function()
    libcurl.needs(pending, "7.88.0", "has what the disguise promises")
    local authority = certificates.new()
    authority:issue("good", "IP:127.0.0.1")
    authority:openssl "rsa -aes128 -passout pass:word -in good.key -out locked.key"
    local port = authority:serve "-cert good.crt -key good.key"
    local output = process.run({ "-e", ([[
      local _, err = require("apivideo.transport.http").request {
        method = "GET", url = "https://127.0.0.1:%d/", timeout = 60,
        ca_file = "%s", client_cert = "%s", client_key = "%s", proxy = "" }
      print(err.kind)]]):format(port, authority:path "ca.crt", authority:path "good.crt",
        authority:path "locked.key") },
      disguise_as "0x075800")
    authority:remove()
    assert.equal("tls\n", output)
  end)
end)
