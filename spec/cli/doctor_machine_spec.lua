-- `apivideo doctor`: the machine, its libraries, and the inbox.

local another_user = require "spec.support.another_user"
local apivideo = require "apivideo"
local temporary = require "spec.support.temporary"
local compatibility = dofile "tools/compatibility.lua"
local compile = require "spec.support.compile"
local file = require "spec.support.file"
local inboxes = require "spec.support.inboxes"
local libraries = require "apivideo.cli.doctor.libraries"
local packages = require "apivideo.util.packages"
local process = require "spec.support.process"
local redis = require "spec.support.redis"
local store = require "apivideo.cli.doctor.store"

local unpack = table.unpack or unpack

describe("apivideo doctor #process", function()
  local directory, clean

  before_each(function()
    directory = temporary.directory()
    compile.run("mkdir " .. directory .. "/apivideo")
    clean = "-u APIVIDEO_API_KEY -u APIVIDEO_BASE_URL -u APIVIDEO_WEBHOOK_SECRET -u APIVIDEO_STORE XDG_CONFIG_HOME="
      .. directory .. " "
  end)
  after_each(function() compile.run("rm -rf " .. directory) end)

  -- Runs `apivideo doctor`; its output must have a line, and its exit status must be that of the line.
  local function assert_found(line, arguments, environment)
    local output, status = process.run({ "bin/apivideo", "doctor", unpack(arguments or {}) },
      clean .. (environment or ""))
    assert.truthy(output:find(line, 1, true), line .. "\n" .. output)
    assert.equal(output:find("failure  ", 1, true) and 1 or 0, status, output)
    return output
  end

  -- The version of the schema that this library creates.
  local function newest_schema()
    file.write(directory .. "/empty.db", "")
    return assert(require("apivideo.inbox.sqlite.examine").file(directory .. "/empty.db")).newest
  end

  it("has the versions of all libraries", function()
    local output = assert_found("ok       libraries: libcurl ")
    for _, name in ipairs { "OpenSSL", "lua%-cjson", "argparse", "libmicrohttpd", "SQLite", "hiredis" } do
      assert.truthy(output:find("libraries: " .. name .. " %d"), output)
    end
    assert.truthy(output:find(rawget(_G, "jit") and jit.version or _VERSION, 1, true), output)
  end)

  it("knows the floors", function()
    for _, floor in ipairs(compatibility.floors()) do
      local known = libraries.FLOORS[floor[1]]
      if floor[1] ~= "Redis" and floor[1] ~= "lua-nginx-module" then assert.equal(floor[2], known, floor[1]) end
    end
    for _, case in ipairs { { "7.67.9", "7.68.0", true }, { "7.68", "7.68.0", false }, { "8.0", "7.68.0", false },
      { "1.1.0l", "1.1.1", true }, { "3.4", "3.24", true }, { "3", "3.24", true } } do
      assert.equal(case[3], libraries.is_older(case[1], case[2]), case[1])
    end
  end)

  it("finds a library that is too old", function()
    file.write(directory .. "/old.c", "const char *MHD_get_version(void);\n"
      .. "const char *MHD_get_version(void) { return \"0.9.70\"; }\n")
    compile.run(("cc -shared -fPIC -o %s/old.so %s/old.c"):format(directory, directory))
    assert_found("failure  libraries: libmicrohttpd 0.9.70 is too old; update it to 0.9.71 or newer\n", nil,
      ("LD_PRELOAD=%s/old.so"):format(directory))
  end)

  it("finds a missing library, which is a failure only if it is needed", function()
    local function run_without(name, ...)
      local code = ("package.preload['%s'] = function() error('module %s not found', 0) end"):format(name, name)
      return process.run({ "-e", code, "bin/apivideo", "doctor", ... }, clean)
    end
    for _, case in ipairs {
      { "dbd.sqlite3", "LuaDBI with SQLite is not installed; only an inbox in SQLite needs it",
        "sqlite:" .. directory .. "/x",
        "LuaDBI with its SQLite driver is missing for " .. _VERSION .. ": " .. packages.remedy "LuaDBI" },
      { "apivideo.redis.core", "apivideo.redis.core is not installed; only an inbox in Redis needs it",
        "redis://127.0.0.1:1/0", "apivideo.redis.core is not installed; "
        .. packages.remedy "apivideo.redis.core" },
    } do
      local output, status = run_without(case[1])
      assert.equal(0, status, output)
      assert.truthy(output:find("ok       libraries: " .. case[2] .. "\n", 1, true), output)
      output, status = run_without(case[1], "--store", case[3])
      assert.equal(1, status, output)
      assert.truthy(output:find("failure  libraries: " .. case[4], 1, true), output)
    end
    local output, status = run_without "apivideo.server.core"
    assert.equal(1, status, output)
    assert.truthy(output:find("failure  libraries: module apivideo.server.core not found; "
      .. packages.remedy "apivideo.server", 1, true))
  end)

  it("examines the file of settings", function()
    local path = directory .. "/apivideo/config.lua"
    assert_found("ok       configuration: no file " .. path .. "\n")
    file.write(path, "return {}")
    compile.run("chmod 600 " .. path)
    assert_found("ok       configuration: " .. path .. ", mode 0600\n")
    assert_found("failure  configuration: --profile: " .. path .. " has no profile x; its profiles: none; correct",
      { "--profile", "x" })
    compile.run("chmod 644 " .. path)
    assert_found("failure  configuration: " .. path .. ": others can read or change it (mode 0644)")
  end)

  it("lists proxies without their passwords", function()
    local output = assert_found("ok       proxies: https_proxy=http://***@proxy.example:3128\n", nil,
      "https_proxy=http://user:hidden@proxy.example:3128 no_proxy=localhost")
    assert.truthy(output:find("ok       proxies: no_proxy=localhost\n", 1, true), output)
    assert.is_nil(output:find("hidden", 1, true))
    assert_found("ok       proxies: none in the environment\n", nil, "https_proxy= HTTPS_PROXY= http_proxy="
      .. " all_proxy= ALL_PROXY= no_proxy= NO_PROXY=")
  end)

  it("examines the certificates", function()
    local path = directory .. "/ca.pem"
    assert_found("failure  certificates: " .. path .. ": No such file or directory; correct --ca-file, or ca_file in",
      { "--ca-file", path })
    assert_found(("ok       certificates: %s of --ca-file, or ca_file in config.lua: a directory\n"):format(directory),
      { "--ca-file", directory })
    file.write(path, "-----BEGIN PRIVATE KEY-----\n")
    assert_found("failure  certificates: " .. path .. ": it has no certificate in the form PEM; ",
      { "--ca-file", path })
    file.write(path, "-----BEGIN CERTIFICATE-----\n")
    assert_found("ok       certificates: " .. path .. " of --ca-file, or ca_file in config.lua\n",
      { "--ca-file", path })
    for _, name in ipairs { "CURL_CA_BUNDLE", "SSL_CERT_FILE" } do
      assert_found(("ok       certificates: %s of %s\n"):format(path, name), nil, name .. "=" .. path)
      assert_found("failure  certificates: /nonexistent: No such file or directory; correct " .. name .. "\n", nil,
        name .. "=/nonexistent")
    end
  end)

  it("examines an inbox in SQLite", function()
    local path = directory .. "/inbox.db"
    local arguments = { "--store", "sqlite:" .. path }
    assert_found("failure  store: " .. path .. ": No such file or directory; start the program", arguments)
    assert.is_nil(io.open(path)) -- it was not created
    file.write(path, "")
    assert_found("warning  store: the file is empty; start the program", nil, "APIVIDEO_STORE=sqlite:" .. path)
    os.remove(path)
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    inbox:close()
    compile.run("chmod 640 " .. path)
    local output = assert_found("ok       store: " .. path .. ", mode 0640\n", arguments)
    local version = ("schema version %d"):format(newest_schema())
    for _, line in ipairs { "it can be written", version, "journal mode wal" } do
      assert.truthy(output:find("ok       store: " .. line .. "\n", 1, true), output)
    end
    assert.truthy(output:find("ok       store: %d+ MiB are free\n"), output)
    compile.run("chmod 666 " .. path)
    assert_found(("warning  store: other users can change %s (mode 0666); run: chmod o-w '%s'\n"):format(path, path),
      arguments)
    local other = directory .. "/it's.db"
    assert(os.rename(path, other))
    assert_found(("run: chmod o-w '%s/it'\\''s.db'\n"):format(directory), { "--store", "sqlite:" .. other })
    assert(os.rename(other, path))
    file.write(path, ("text "):rep(1000))
    assert_found("failure  store: " .. path .. ": file is not a database; give the inbox another path", arguments)
    local option = { "--store", "sqlite:" .. directory }
    assert_found(("failure  store: %s: it is a directory; name a file in it, such as %s/inbox.db\n"):format(directory,
      directory), option)
    os.remove(path)
    compile.run("mkfifo " .. path)
    assert_found(("failure  store: %s: it is not a regular file; name another file\n"):format(path), arguments,
      "timeout 10")
  end)

  local function sql(path, text)
    local db = assert(require("DBI").Connect("SQLite3", path))
    db:autocommit(true)
    local statement = assert(db:prepare(text))
    assert(statement:execute())
    statement:close()
    db:close()
  end

  it("warns of dead letters, and of events that no worker handles", function()
    local path = directory .. "/inbox.db"
    local arguments = { "--store", "sqlite:" .. path }
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    local function put(name)
      local raw = inboxes.caption(name)
      assert(inbox:put { event = assert(apivideo.parse(raw)), raw = raw, verified = true })
    end
    put "vi1"
    put "vi2"
    assert_found("ok       store: no dead letters; events that wait: 2\n", arguments)
    sql(path, "UPDATE events SET stored_at = stored_at - 100")
    local output = assert_found("warning  store: events wait (2), the oldest for ", arguments)
    assert.matches(" 1%d%d s, and none is being handled; start a worker %(inbox:work%), or read the log of the"
      .. " workers\n", output)
    assert(assert(inbox:claim())[1]:dead_letter "broken")
    local option = "--store 'sqlite:" .. path .. "'"
    output = assert_found(("warning  store: 1 dead letter; run: apivideo inbox list %s --state dead; after the cause is"
      .. " corrected: apivideo inbox redrive %s\n"):format(option, option), arguments)
    assert.is_nil(output:find("none is being handled", 1, true), output) -- an event was, just now
    sql(path, "UPDATE inbox SET boot = 'another'")
    assert_found("warning  store: 1 dead letter", arguments)
    assert(inbox:pause())
    output = assert_found("warning  store: the inbox is paused", arguments)
    assert.is_nil(output:find("none is being handled", 1, true), output)
    inbox:close()
  end)

  it("examines the schema and the journal of an inbox in SQLite", function()
    local path = directory .. "/inbox.db"
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    inbox:close()
    local newest = newest_schema()
    for _, case in ipairs {
      { "UPDATE inbox SET schema = 4", "warning  store: schema version 4; this apivideo makes it " .. newest },
      { "PRAGMA user_version = " .. newest + 1, ("failure  store: this file has schema version %d, of a newer apivideo;"
        .. " this apivideo knows %d; upgrade apivideo\n"):format(newest + 1, newest) },
      { "PRAGMA journal_mode = DELETE", "warning  store: journal mode delete; start" },
      { "PRAGMA application_id = 1", "failure  store: the file has tables of another application; give" },
    } do
      sql(path, case[1])
      assert_found(case[2], { "--store", "sqlite:" .. path })
    end
  end)

  it("warns of an inbox that is paused, and of paused types", function()
    local path = directory .. "/inbox.db"
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    local output = assert_found("ok       store: journal mode wal\n", { "--store", "sqlite:" .. path })
    assert.is_nil(output:find("paused", 1, true), output)
    assert(inbox:pause())
    assert(inbox:pause { type = "video.*" })
    inbox:close()
    output = assert_found(("warning  store: the inbox is paused: events wait; run: apivideo inbox resume --store"
      .. " 'sqlite:%s'\n"):format(path), { "--store", "sqlite:" .. path })
    assert.truthy(output:find(("warning  store: events of type video.* are paused; run: apivideo inbox resume --store"
      .. " 'sqlite:%s' --type 'video.*'\n"):format(path), 1, true), output)
  end)

  it("names the owner of a file that this user cannot read", function()
    if another_user.problem() then return pending(another_user.problem()) end
    local path = directory .. "/inbox.db"
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    inbox:close()
    for _, mode in ipairs { "700", "755" } do
      compile.run(("chmod %s %s"):format(mode, directory))
      for _, command in ipairs { { "doctor" }, { "inbox", "stats" } } do
        local output, status = process.run({ "bin/apivideo", unpack(command) }, another_user.COMMAND
          .. " env APIVIDEO_STORE=sqlite:" .. path)
        assert.truthy(status > 0, output)
        assert.matches("inbox.db: Permission denied: the [fd]%a+ .* belongs to the user root .*; run this as the user"
          .. " of the program that works on the inbox\n", output)
        assert.is_nil(output:find("chown", 1, true), output)
      end
    end
  end)

  it("judges a file of another user by its owner when root runs it", function()
    if another_user.problem() then return pending(another_user.problem()) end
    local path = directory .. "/inbox.db"
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    inbox:close()
    local options = { "--store", "sqlite:" .. path }
    assert.is_nil(assert_found("ok       store: it can be written\n", options):find("root", 1, true))
    compile.run(("chown daemon %s; touch %s-wal; chmod 600 %s-wal; chmod 755 %s"):format(path, path, path, directory))
    local output = assert_found(("failure  store: the owner of the file, daemon, may not write %s, of the"
      .. " user root (mode 0755); put the inbox into a directory of its own: mkdir DIR; chown daemon DIR\n")
      :format(directory), options)
    local advice = ("warning  store: this runs as root, which can write every file; this one belongs to the user"
      .. " daemon; run it as the user of the program: sudo -u daemon apivideo doctor --store"
      .. " 'sqlite:%s'\n"):format(path)
    assert.truthy(output:find(advice, 1, true), output)
    assert.is_nil(output:find("it can be written", 1, true), output)
    compile.run(("chown daemon %s %s-*"):format(directory, path))
    output = assert_found(advice, options)
    assert.is_nil(output:find("may not write", 1, true), output)
    output = process.run({ "bin/apivideo", "doctor" }, another_user.COMMAND .. " env APIVIDEO_STORE=sqlite:" .. path)
    assert.truthy(output:find("ok       store: it can be written\n", 1, true), output)
    assert.is_nil(output:find("runs as root", 1, true), output)
    compile.run("chmod 500 " .. directory)
    assert_found(("failure  store: the owner of the file, daemon, may not write %s, of the user daemon (mode 0500);"
      .. " run: chmod u+w '%s'\n"):format(directory, directory), options)
  end)

  it("warns of a file of root in the directory of another user when root runs it", function()
    if compile.run "id -u" ~= "0\n" then return pending "only root can become another user" end
    local path = directory .. "/inbox.db"
    local inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = path } }
    assert(inbox:stats())
    compile.run(("chown daemon %s; chmod 700 %s"):format(directory, directory))
    local options = { "--store", "sqlite:" .. path }
    local output = assert_found(("warning  store: the file belongs to the user root, and its directory to the user"
      .. " daemon: if the program runs as daemon, it may not write the file; run: chown -h daemon '%s' '%s-wal'"
      .. " '%s-shm'\n"):format(path, path, path), options)
    assert.is_nil(output:find("it can be written", 1, true), output)
    compile.run(output:match "run: (chown [^\n]+)")
    inbox:close()
    assert_found("warning  store: this runs as root, which can write every file; this one belongs to the user daemon",
      options)
    compile.run(("chown root:daemon %s; chmod 660 %s"):format(path, path))
    assert_found("ok       store: it can be written\n", options)
    compile.run(("chown root %s; chmod 400 %s"):format(directory, path))
    assert_found("ok       store: it can be written\n", options)
  end)

  it("judges the free space", function()
    for _, case in ipairs { { 300, "ok" }, { 256, "ok" }, { 255, "warn" }, { 16, "warn" }, { 15, "fail" } } do
      local called
      local function note(name) return function(_, text) called = name .. " " .. text end end
      store.check_space({ ok = note "ok", warn = note "warn", fail = note "fail" }, case[1] * 1024 * 1024)
      assert.equal(("%s %d MiB are free"):format(case[2], case[1]), called)
    end
  end)

  it("examines a Redis server", redis.missing() and function() pending(redis.missing()) end or function()
    local server = redis.start()
    local url = ("redis://127.0.0.1:%d/0"):format(server.port)
    local output = assert_found("ok       store: appendonly yes\n", { "--store", url })
    assert.truthy(output:find("ok       store: appendfsync always\n", 1, true), output)
    assert.truthy(output:find("ok       store: Redis %(127.0.0.1:%d+%) %d+%.%d+%.%d+\n"), output)
    assert.truthy(output:find("ok       store: maxmemory-policy noeviction\n", 1, true), output)
    assert.truthy(output:find(("failure  store: Redis (127.0.0.1:%d) has no inbox with the name apivideo in database 0;"
      .. " correct --store, or start a worker"):format(server.port), 1, true), output)
    local inbox = apivideo.inbox { store = apivideo.inbox.redis { port = server.port } }
    assert(inbox:claim())
    assert(inbox:pause())
    inbox:close()
    local paused = "warning  store: the inbox is paused: events wait; run: apivideo inbox resume"
    assert_found(("%s --store '%s'\n"):format(paused, url), { "--store", url })
    assert_found(paused .. "\n", nil, "APIVIDEO_STORE=" .. url)
    server:command("ACL", "SETUSER", "it's", "on", ">word", "~*", "+@all")
    output = assert_found(([[%s --store 'redis://it'\''s:PASSWORD@127.0.0.1:%d/0']]):format(paused, server.port),
      { "--store", ("redis://it's:word@127.0.0.1:%d/0"):format(server.port) })
    assert.is_nil(output:find("word@", 1, true), output)
    server:command("CONFIG", "SET", "appendfsync", "everysec")
    assert_found("warning  store: appendfsync everysec: a power failure loses the last events, of about a second,"
      .. " although the response was 204; set appendfsync always\n", { "--store", url })
    server:command("ACL", "SETUSER", "default", "-config")
    assert_found("ok       store: appendfsync is not checked, because the user may not run CONFIG GET; it should be"
      .. " always\n", { "--store", url })
    server:command("ACL", "SETUSER", "default", "+config")
    local used = tonumber(server:command("INFO", "memory"):match "\nused_memory:(%d+)")
    for _, case in ipairs { { 10, "ok       store: %d+ %% of maxmemory is used\n" },
      { 1.06, "warning  store: 9%d %% of maxmemory is used: without memory, deliveries are rejected with 503; raise" },
      { 0.5, "failure  store: %d%d%d %% of maxmemory is used: without memory, .*; raise maxmemory, or remove events:"
        .. " apivideo inbox purge %-%-store '" .. url .. "' %-%-state done\n" } } do
      server:command("CONFIG", "SET", "maxmemory", ("%.0f"):format(used * case[1]))
      assert.matches(case[2], (process.run({ "bin/apivideo", "doctor", "--store", url }, clean)))
    end
    server:command("CONFIG", "SET", "maxmemory", "0")
    server:command("REPLICAOF", "127.0.0.1", 1)
    assert_found("failure  store: it is a replica, which rejects what an inbox writes; give the address of the"
      .. " primary\n", { "--store", url })
    server:command("REPLICAOF", "NO", "ONE")
    server:command("CONFIG", "SET", "appendonly", "no")
    server:command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    output = assert_found("warning  store: appendonly no: events are lost when Redis ends; set appendonly yes\n",
      { "--store", url })
    assert.truthy(output:find("ok       store: it has the inbox apivideo\n", 1, true), output)
    assert.truthy(output:find("warning  store: maxmemory-policy allkeys-lru: Redis removes events", 1, true), output)
    server:command("ACL", "SETUSER", "default", "-xack")
    assert_found("failure  store: the user default may not run xack: the inbox cannot store, claim or settle all"
      .. " events; run: ACL SETUSER default +xack, and save it; docs/guides/inbox.md#redis has the whole line\n",
      { "--store", url })
    server:command("ACL", "SETUSER", "default", "+xack", "-info")
    assert_found(("warning  store: Redis (127.0.0.1:%d) does not allow INFO, so its settings are not checked; run: ACL"
      .. " SETUSER default +info, and save it"):format(server.port), { "--store", url })
    server:set_password "hidden"
    output = assert_found(("failure  store: Redis (127.0.0.1:%d): NOAUTH Authentication required; give the user and the"
      .. " password\n"):format(server.port), { "--store", url })
    assert.is_nil(output:find("hidden", 1, true))
    output = assert_found("is disabled; correct the password, which is that of the user default if no user", nil,
      ("APIVIDEO_STORE=redis://:anotherpass@127.0.0.1:%d/0"):format(server.port))
    assert.is_nil(output:find("anotherpass", 1, true), output)
    server:stop()
    assert_found(("failure  store: Redis (127.0.0.1:%d): Connection refused; start it"):format(server.port),
      { "--store", url })
  end)

  it("reports a store in the environment that cannot be one", function()
    assert_found("failure  store: APIVIDEO_STORE must be sqlite:PATH or redis://HOST:PORT/DATABASE, got 'x'", nil,
      "APIVIDEO_STORE=x")
  end)
end)
