-- The versions of the libraries at run time.

local compile = require "spec.support.compile"
local core = require "apivideo.core"
local redis = require "apivideo.redis.core"
local server = require "apivideo.server.core"

-- The installed version of a library, whose headers are of the same package.
local function installed(name)
  return (compile.run("pkg-config --modversion " .. name):gsub("%s", ""))
end

describe("libraries", function()
  it("are those that are loaded", function()
    local linked = core.http.libraries()
    assert.equal(installed "libcurl", linked.libcurl)
    assert.equal("OpenSSL " .. installed "libcrypto", linked.openssl:match "^OpenSSL %S+")
    assert.equal(installed "libmicrohttpd", server.version())
    assert.equal(installed "hiredis", redis.version())
    assert.truthy(linked.tls:find "^%a[%w-]*/%d", linked.tls)
    if linked.ca_file then assert.equal("/", linked.ca_file:sub(1, 1)) end
  end)
end)
