--- What the targets of the Makefile print if something is missing, and while they work. Their programs are fakes.

local new_fakes = require("spec.support.fakes").new

describe("make #process", function()
  local fakes

  before_each(function() fakes = new_fakes() end)
  after_each(function() fakes:remove() end)

  -- A pkg-config that has the named packages only.
  local function have(names)
    fakes:fake("pkg-config", "for name; do :; done; case $name in " .. names .. ") ;; *) exit 1 ;; esac")
  end

  local function run(arguments)
    return fakes:run(("make --no-print-directory BUILD=%s/build %s"):format(fakes.directory, arguments))
  end

  -- Compilers that create what they are to create.
  local function fake_compiler()
    fakes:fake("cc", 'while [ "$1" != -o ]; do shift; done; echo compiled > "$2"')
  end

  it("fails with the remedy if no Lua has headers", function()
    have "libcurl | libcrypto | libmicrohttpd"
    local output = run ""
    assert.truthy(output:find("Not built: these are missing, or their headers: one of lua5.1 lua5.2 lua5.3 lua5.4"
      .. ' lua5.5 luajit. "make demo" installs what one Lua needs, with apt.\n', 1, true), output)
    assert.truthy(output:find("status 2\n", 1, true), output)
    output = run 'LUAS="5.4"'
    assert.truthy(output:find("or their headers: lua5.4. ", 1, true), output)
    assert.truthy(output:find("status 2\n", 1, true), output)
  end)

  it("fails with the remedy if a library has no headers", function()
    have "lua5.4 | libcrypto"
    for _, arguments in ipairs { "", "build-5.4" } do
      local output = run(arguments)
      assert.truthy(output:find("or their headers: libcurl libmicrohttpd. ", 1, true), output)
      assert.truthy(output:find("status 2\n", 1, true), output)
    end
  end)

  it("builds for the Luas with headers, and names the others", function()
    have "lua5.4 | libcurl | libcrypto | libmicrohttpd | hiredis"
    fake_compiler()
    local output = run '-s LUAS="5.4 5.3"'
    assert.equal("Not built: Lua 5.3, because the headers are not installed\nstatus 0\n", output)
    assert.truthy(fakes:run("cat " .. fakes.directory .. "/build/5.4/apivideo/core/http.so"):find "^compiled\n")
  end)

  it("makes eval fail if the variables for the checkout cannot be printed", function()
    have "nothing"
    fakes:fake("dpkg-query", "echo installed")
    local output = fakes:run 'eval "$(make -s env)"'
    assert.truthy(output:find("No Lua with interpreter, headers and lua-cjson found.", 1, true), output)
    assert.truthy(output:find("status 1\n", 1, true), output)
  end)

  it("says that it compiles for the demo, if it does", function()
    have "lua5.4 | libcurl | libcrypto | libmicrohttpd | hiredis"
    fake_compiler()
    fakes:fake("dpkg-query", "echo installed")
    fakes:fake("lua5.4", 'case "$*" in *quickstart*) echo "the demo" ;; esac')
    assert.equal("Compiling the modules for Lua 5.4\nthe demo\nstatus 0\n", run "demo")
    assert.equal("the demo\nstatus 0\n", run "demo")
  end)
end)
