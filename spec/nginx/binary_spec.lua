--- The nginx that the demo and the specs run: NGINX and NGINX_MODULES, for examples/nginx/start.

local file = require "spec.support.file"
local lfs = require "lfs"
local nginx_lua = require "spec.support.nginx_lua"
local temporary = require "spec.support.temporary"

describe("the nginx of the demo #process", function()
  local directory

  before_each(function()
    directory = temporary.directory()
  end)

  after_each(function() os.execute("rm -rf " .. directory) end)

  local function executable(name, script)
    file.write(directory .. "/" .. name, "#!/bin/sh\n" .. script .. "\n")
    os.execute("chmod +x " .. directory .. "/" .. name)
    return directory .. "/" .. name
  end

  -- The output of a command on both streams, with variables in its environment.
  local function output_of(command, variables)
    local words = { "env -u NGINX -u NGINX_MODULES -u NGINX_UNDER" }
    for name, value in pairs(variables) do words[#words + 1] = name .. "=" .. value end
    words[#words + 1] = command .. " 2>&1"
    local pipe = io.popen(table.concat(words, " "))
    local output = pipe:read "*a"
    pipe:close()
    return output
  end

  -- A binary that prints its arguments, and a directory of its modules.
  local function printing(name, modules)
    return executable(name, ("[ \"$1\" = -V ] && { echo 'configure arguments: %s' >&2; exit; }; echo %s: \"$@\"")
      :format(modules and "--modules-path=" .. modules .. " --with-threads" or "--with-threads", name))
  end

  local function modules_of(...)
    local modules = directory .. "/modules"
    assert(lfs.mkdir(modules))
    for _, name in ipairs { ... } do file.write(("%s/%s.so"):format(modules, name), "") end
    return modules
  end

  it("is the nginx in PATH, with the modules that it was built for", function()
    local modules = modules_of("ndk_http_module", "ngx_http_lua_module", "ngx_http_echo_module")
    printing("nginx", modules)
    assert.equal(("nginx: -t -g load_module '%s/ndk_http_module.so'; load_module '%s/ngx_http_lua_module.so'; \n")
      :format(modules, modules), output_of("examples/nginx/start -t", { PATH = directory .. ":$PATH" }))
  end)

  it("is the nginx of the variable NGINX, with the modules of NGINX_MODULES", function()
    printing("nginx", "/usr/lib/nginx/modules")
    local mine, modules = printing("mine", "/nowhere"), modules_of "ngx_stream_module"
    local path = directory .. ":$PATH"
    assert.equal("mine: -t\n", output_of("examples/nginx/start -t", { PATH = path, NGINX = mine }))
    assert.equal(("mine: -t -g load_module '%s/ngx_stream_module.so'; \n"):format(modules),
      output_of("examples/nginx/start -t", { PATH = path, NGINX = mine, NGINX_MODULES = modules }))
    assert.equal("mine: -t\n", output_of("examples/nginx/start -t", { NGINX = printing "mine" })) -- with built-in modules
  end)

  it("is named when it does not run", function()
    assert.equal("examples/nginx/start: cannot run /no/nginx; install nginx, or set NGINX to its path\n",
      output_of("examples/nginx/start -t", { NGINX = "/no/nginx" }))
  end)

  it("is not installed by tools/setup if NGINX is set", function()
    executable("id", "echo 1000")
    executable("dpkg-query", "exit 1")
    executable("apt-cache", "echo 'Candidate: 1'")
    executable("sudo", "echo \"$@\"")
    local path = directory .. ":$PATH"
    local function installed(task, variables)
      variables.PATH = path
      return output_of("tools/setup " .. task .. "; cat /dev/null", variables):match "Installing ([^\n]*)"
    end
    for _, task in ipairs { "demo-nginx", "test" } do
      assert.truthy(installed(task, {}):find(" nginx libnginx-mod-http-lua", 1, true))
      local packages = installed(task, { NGINX = "/my/nginx" })
      assert.is_nil(packages:gsub("lua%-nginx%-redis", ""):find("nginx", 1, true), packages)
    end
  end)

  nginx_lua.describe("runs the demo", function()
    it("also in a copy without the checkout, as in Debian's package", function()
      assert(os.execute("cp -r examples/nginx " .. directory .. "/example"))
      executable("nginx", "echo the wrong nginx; exit 1")
      local mine = executable("mine", ('echo "$@" >> %s/started\nPATH=%s:/usr/sbin exec %s "$@"')
        :format(directory, os.getenv "PATH", os.getenv "NGINX" or "nginx"))
      local demo = output_of("tools/with-lua jit " .. directory .. "/example/demo.lua", {
        PATH = directory .. ":$PATH", NGINX = mine, NGINX_MODULES = os.getenv "NGINX_MODULES" or "",
      })
      assert.truthy(demo:find("\n  apivideo_deliveries_received_total 7\n", 1, true), demo)
      assert.truthy(file.read(directory .. "/started"):find("-c nginx.conf", 1, true))
    end)
  end)
end)
