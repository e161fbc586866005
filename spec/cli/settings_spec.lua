local emulator = require "apivideo.emulator"
local file = require "spec.support.file"
local process = require "spec.support.process"
local running = require "spec.support.running"
local temporary = require "spec.support.temporary"

local HINT = "chmod 600 '"

describe("settings of the command #process", function()
  local directory, path, environment, api

  before_each(function()
    directory = temporary.directory()
    path = directory .. "/apivideo/config.lua"
    os.execute("mkdir " .. directory .. "/apivideo")
    environment = "-u APIVIDEO_API_KEY -u APIVIDEO_BASE_URL -u APIVIDEO_WEBHOOK_SECRET XDG_CONFIG_HOME=" .. directory
    api = assert(emulator.start { api_key = "good" })
  end)
  after_each(function()
    api:stop()
    running.stop()
    os.execute(("rm -rf '%s'"):format(directory))
  end)

  local function write(text, mode)
    file.write(path, text)
    os.execute(("chmod %s '%s'"):format(mode or "600", path))
  end

  -- Runs a command that calls the API. Returns its output and exit status.
  local function run(arguments, more)
    return process.run({ "bin/apivideo", "reconcile", "--dry-run", (table.unpack or unpack)(arguments or {}) },
      environment .. " " .. (more or ""))
  end

  it("come from the file", function()
    write(("return { api_key = 'good', base_url = '%s' }"):format(api.url))
    local output, status = run()
    assert.equal(0, status, output)
  end)

  it("come from a profile, which takes precedence over the environment", function()
    write(("return { api_key = 'bad', profiles = { here = { api_key = 'good', base_url = '%s' } } }"):format(api.url))
    local output, status = run({ "--profile", "here" }, "APIVIDEO_API_KEY=other")
    assert.equal(0, status, output)
    output, status = run { "--profile", "there" }
    assert.equal(2, status)
    assert.matches(path .. " has no profile there; its profiles: here", output, 1, true)
  end)

  it("come from options before the environment, and from the environment before the file", function()
    write(("return { api_key = 'bad', base_url = '%s' }"):format(api.url))
    for _, case in ipairs {
      { 0, { "--base-url", api.url }, "APIVIDEO_API_KEY=good" },
      { 0, { "--base-url", api.url, "--api-key", "good" }, "APIVIDEO_API_KEY=bad" },
      { 1, { "--base-url", api.url }, "" },
    } do
      local output, status = run(case[2], case[3])
      assert.equal(case[1], status, output)
    end
  end)

  it("never send a key to the URL that belongs to another key", function()
    write(("return { api_key = 'bad', base_url = '%s' }"):format(api.url))
    local requests = #api.requests
    local with_key = "APIVIDEO_API_KEY=good https_proxy=http://127.0.0.1:1"
    run({ "--environment", "sandbox" }, with_key)
    run({}, with_key)
    assert.equal(requests, #api.requests)
  end)

  it("have the URL of the API in the environment, after options and before the file", function()
    write(("return { api_key = 'good', base_url = 'http://127.0.0.1:1',"
      .. " profiles = { here = { api_key = 'good', base_url = '%s' } } }"):format(api.url))
    local dead = "APIVIDEO_BASE_URL=http://127.0.0.1:1"
    for _, case in ipairs {
      { {}, "APIVIDEO_BASE_URL=" .. api.url }, { {}, "APIVIDEO_API_KEY=good APIVIDEO_BASE_URL=" .. api.url },
      { { "--api-key", "good" }, "APIVIDEO_BASE_URL=" .. api.url }, { { "--base-url", api.url }, dead },
      { { "--profile", "here" }, dead },
    } do
      local output, status = run(case[1], case[2])
      assert.equal(0, status, output)
    end
    local requests = #api.requests
    run({ "--environment", "sandbox" }, "https_proxy=http://127.0.0.1:1 APIVIDEO_BASE_URL=" .. api.url)
    assert.equal(requests, #api.requests)
  end)

  it("have the URL of the API in the environment for doctor, too, but not for listen without an account", function()
    local output, status = process.run({ "bin/apivideo", "doctor" }, ("%s APIVIDEO_API_KEY=good APIVIDEO_BASE_URL=%s")
      :format(environment, api.url))
    assert.equal(0, status, output)
    assert.matches("ok       key: the key is valid at " .. api.url .. "\n", output, 1, true)
    local child = process.start({ "bin/apivideo", "listen", "--port", "0", "--secret", "s" },
      environment .. " APIVIDEO_BASE_URL=x")
    child:wait_for "Listening on"
    child:kill "TERM"
    child:wait()
  end)

  it("reject a URL of the API with the name of the option or variable", function()
    local example = "must begin with http:// or https://, got 'ftp://h'; write, for example, "
    for text, expected in pairs {
      ["ftp://h"] = "APIVIDEO_BASE_URL " .. example .. "APIVIDEO_BASE_URL=http://127.0.0.1:8080/\n",
      ["http://h?x"] = "APIVIDEO_BASE_URL must not contain a query or a fragment; remove what begins with ? or #\n",
      ["http://u:p@h"] = "APIVIDEO_BASE_URL must not contain a user or a password; give the key with --api-key or ",
    } do
      local variables = ("APIVIDEO_API_KEY=good APIVIDEO_BASE_URL='%s'"):format(text)
      local output, status = run({}, variables)
      assert.equal(2, status)
      assert.matches("apivideo: " .. expected, output, 1, true)
      output, status = process.run({ "bin/apivideo", "doctor" }, environment .. " " .. variables)
      assert.equal(1, status)
      assert.matches("failure  key: " .. expected:gsub("\n", "; correct it, or unset the variable\n"), output, 1, true)
    end
    for text, expected in pairs {
      ["ftp://h"] = "--base-url " .. example .. "--base-url http://127.0.0.1:8080/\n",
      ["http://h?x"] = "--base-url must not contain a query or a fragment; remove what begins with ? or #\n",
    } do
      local output, status = run { "--base-url", text }
      assert.equal(2, status)
      assert.matches("apivideo: " .. expected, output, 1, true)
    end
  end)

  it("are rejected if others can read them", function()
    write("return { api_key = 'good' }", "640")
    local output, status = run()
    assert.equal(2, status)
    assert.matches("(mode 0640)", output, 1, true)
    assert.matches(HINT .. path, output, 1, true)
  end)

  it("are rejected if they are a pipe, which would block", function()
    os.execute(("mkfifo -m 600 '%s'"):format(path))
    local output, status = run()
    assert.equal(2, status)
    assert.equal(("apivideo: %s: it is not a regular file; make it one, such as: return { api_key = \"KEY\" }\n")
      :format(path), output:match "^[^\n]+\n")
  end)

  it("are rejected with the reason", function()
    for text, expected in pairs {
      ["return { api_keys = 'x' }"] = 'unknown option "api_keys"; did you mean "api_key"?',
      ["return { profiles = { a = { key = 'x' } } }"] = "settings: profile a: unknown option",
      ["return { profiles = { a = 'x' } }"] = "settings: profile a",
      ["return { api_key = 1 }"] = "api_key",
      ["return { api_key = os.getenv 'HOME' }"] = "attempt to index",
      ["return 'x'"] = "it must return a table",
      ["api_key = "] = "config.lua:1:",
      ["\27Lua"] = "it is bytecode",
      ["while true do end"] = "it runs for too long; it may only return a table",
      ["local function f() return f() end return { api_key = f() }"] = "it runs for too long",
    } do
      write(text)
      local output, status = run()
      assert.equal(2, status, output)
      assert.matches(expected, output, 1, true)
      assert.matches(path, output, 1, true)
    end
  end)

  it("have the secret of webhooks in the environment, in a file, or in the profile", function()
    write "return { profiles = { a = { webhook_secret = 'sig_sec_1' } } }"
    local secret_file = directory .. "/secret"
    os.execute(("echo sig_sec_1 > '%s'"):format(secret_file))
    for _, case in ipairs {
      { {}, "APIVIDEO_WEBHOOK_SECRET=sig_sec_1" }, { { "--secret-file", secret_file }, "APIVIDEO_WEBHOOK_SECRET=x" },
      { { "--profile", "a" }, "APIVIDEO_WEBHOOK_SECRET=x" },
    } do
      local child = process.start({ "bin/apivideo", "listen", "--port", "0", (table.unpack or unpack)(case[1]) },
        environment .. " " .. case[2])
      local url = child:wait_for "Listening on (http://[%d.]+:%d+)"
      local output, status = process.run { "bin/apivideo", "trigger", "video.source.recorded", "--to", url,
        "--secret", "sig_sec_1" }
      assert.equal(0, status, output)
      child:kill "TERM"
      child:wait()
    end
  end)

  it("do not show a secret in a message", function()
    write "return { api_key = 'se cret' }"
    local output, status = run { "--base-url", "http://127.0.0.1:1" }
    assert.equal(2, status)
    assert.is_nil(output:find("se cret", 1, true), output)
  end)
end)

describe("output of the command #process", function()
  it("that cannot be written is a failure", function()
    for _, arguments in ipairs { "--help", "--version", "trigger --help" } do
      local child = process.run { "-e", ("local r, _, code = os.execute([[%s bin/apivideo %s > /dev/full]])"
        .. " print(code or r)"):format(process.command {}, arguments) }
      assert.matches("apivideo: cannot write the output: No space left on device\n", child, 1, true)
      assert.matches("\n1\n$", (child:gsub("\n256\n$", "\n1\n")))
    end
  end)
end)
