-- The place of the file of a SQLite inbox: its users, and its file system.

local another_user = require "spec.support.another_user"
local apivideo = require "apivideo"
local compile = require "spec.support.compile"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local mounting = require "spec.support.mounting"
local place = require "apivideo.inbox.sqlite.place"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"
local temporary = require "spec.support.temporary"

local PRIVATE = 384 -- 0600

describe("the place of a SQLite inbox", function()
  local directory, path, opened

  before_each(function()
    directory = core.real_path(temporary.directory())
    path, opened = directory .. "/inbox.db", {}
  end)

  after_each(function()
    for _, store in ipairs(opened) do store:close() end
    compile.run("rm -rf " .. directory)
  end)

  local function open(options)
    options = options or {}
    options.path = options.path or path
    options.thread = false -- the test replaces functions that the store calls
    local store = sqlite(options)
    opened[#opened + 1] = store
    return store
  end

  -- Asserts that a store cannot be opened. Returns the message.
  local function rejected(store)
    local ok, err
    inboxes.printed_by(function() ok, err = store:open() end)
    assert.is_nil(ok)
    assert.equal("store_unavailable", err.kind)
    return err.message
  end

  -- Runs a script as another user. Returns its output.
  local function run_as_another(script)
    return (process.run({ "-e", script }, another_user.COMMAND))
  end

  it("that has no file is named in the log when the file is created, once", function()
    local printed = inboxes.printed_by(function()
      assert(open():open())
      assert(open():open())
    end)
    local _, count = printed:gsub("warn apivideo: inbox " .. path:gsub("%p", "%%%0")
      .. ": it did not exist and was created\n", "")
    assert.equal(1, count, printed)
  end)

  it("that has no file is rejected with create = false, and no file is created", function()
    local message = rejected(open { create = false })
    assert.matches("it does not exist, and the option \"create\" is false; correct the path, which is seen from the "
      .. "directory " .. core.real_path ".", message, 1, true)
    assert.equal("", compile.run("ls -A " .. directory))
    assert(open():open())
    assert(open { create = false }:open())
  end)

  it("has files for their owner alone, whatever the umask #process", function()
    local child = process.start { "-e", ([[
      local store = require "apivideo.inbox.sqlite" { path = %q }
      assert(store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20))
      print "stored" io.stdout:flush()
      io.read()
      require("apivideo").sleep(60)
    ]]):format(path) }
    child:wait_for "stored"
    for _, ending in ipairs { "", "-wal", "-shm" } do
      assert.equal(PRIVATE, (core.file_mode(path .. ending)), ending)
    end
    child:kill "KILL"
    child:wait()
  end)

  it("keeps the permissions of a file that exists", function()
    compile.run(("touch %s; chmod 660 %s"):format(path, path))
    assert(open():open())
    for _, ending in ipairs { "", "-wal", "-shm" } do assert.equal(432, (core.file_mode(path .. ending)), ending) end
  end)

  it("that belongs to another user is rejected, with the names of both users #process", function()
    if another_user.problem() then return pending(another_user.problem()) end
    local output = run_as_another(([[
      local ok, err = require("apivideo.inbox.sqlite") { path = %q }:open()
      print(err.message)]]):format(path))
    assert.equal(("inbox %s: Permission denied: the directory %s belongs to the user root (mode 0755), and this process"
      .. " runs as the user daemon; put the inbox into a directory of its own: mkdir DIR; chown daemon DIR\n")
      :format(path, directory), output)
    compile.run("chown bin " .. directory)
    local as_bin = ("inbox %s: Permission denied: the directory %s belongs to the user bin (mode 0755), and this"
      .. " process runs as the user daemon; run this process as that user"):format(path, directory)
    local script = ("print(select(2, require('apivideo.inbox.sqlite') { path = %q }:open()).message)"):format(path)
    assert.equal(as_bin .. ", or put the inbox into a directory of its own: mkdir DIR; chown daemon DIR\n",
      run_as_another(script))
    assert(open():open())
    assert.equal(as_bin .. "\n", run_as_another(script))
    compile.run(("chown root %s; chown bin %s; chmod 777 %s"):format(directory, path, directory))
    output = run_as_another(script)
    assert.matches(("run this process as the user bin, or: chown -h daemon '%s' "):format(path), output, 1, true)
    compile.run("chmod 400 " .. path) -- the user bin may not write it, either
    output = run_as_another(script)
    assert.matches(("file; run: chown -h daemon '%s' '%s-wal' '%s-shm'; chmod u+w '%s': the")
      :format(path, path, path, path), output, 1, true)
    compile.run(("chown root %s; chmod 600 %s"):format(path, path))
    output = run_as_another(([[
      local ok, err = require("apivideo.inbox.sqlite") { path = %q }:open()
      print(err.message)]]):format(path))
    assert.matches("unable to open.*the file " .. path:gsub("%p", "%%%0") .. " belongs to the user root %(mode 0600%).*"
      .. "; the directory .* %(mode 0777%), and this process runs as the user daemon", output)
    assert.matches(("unable to open database file; run: chown -h daemon '%s' "):format(path), output, 1, true)
    compile.run("chmod 700 " .. directory)
    output = run_as_another(([[
      local ok, err = require("apivideo.inbox.sqlite") { path = %q, create = false }:open()
      print(err.message)]]):format(path))
    assert.matches("Permission denied: the directory .* belongs to the user root %(mode 0700%)", output)
    assert.not_matches("does not exist", output)
  end)

  it("that its owner may not write is rejected, with the remedy #process", function()
    if another_user.problem() then return pending(another_user.problem()) end
    local function message()
      return run_as_another(([[
        local store = require("apivideo.inbox.sqlite") { path = %q }
        local _, err = store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20)
        io.write(err and err.message or "")]]):format(path))
    end
    compile.run(("chown daemon:daemon %s; chmod 500 %s"):format(directory, directory))
    assert.equal(("inbox %s: Permission denied: the directory %s belongs to the user daemon (mode 0500), which does "
      .. "not let its owner write; allow it: chmod u+rwx '%s'"):format(path, directory, directory), message())
    compile.run(("chown root %s; chmod 700 %s; mkdir %s/in"):format(directory, directory, directory))
    path = directory .. "/in/inbox.db"
    assert.matches("Permission denied: the user daemon may not enter a directory above it", message())
    path = directory .. "/inbox.db"
    compile.run("chown daemon " .. directory)
    compile.run("chmod u+rwx " .. directory)
    assert.matches("it did not exist and was created", message())
    compile.run("chmod 400 " .. path)
    local text = message()
    assert.matches("attempt to write a readonly database; run: chmod u+w '" .. path, text, 1, true)
    assert.matches("'" .. path .. "-shm'", text, 1, true)
    compile.run("chmod 600 " .. path) -- SQLite has given the files beside it the same mode
    text = message()
    assert.matches(path .. "-shm belongs to the user daemon (mode 0400)", text, 1, true)
    compile.run(text:match "run: (chmod [^:]*)")
    assert.equal("", message())
  end)

  it("of which a symbolic link is used is that of the file #process", function()
    compile.run(("mkdir %s/real %s/link; ln -s ../real/r.db %s/link/l.db; touch %s/real/r.db"):format(directory,
      directory, directory, directory))
    path = directory .. "/link/l.db"
    local real, link = directory .. "/real", path
    local store = open()
    local entry = { key = "a", raw = "a", verified = true, received_at = 1 }
    assert(store:put({ entry }, 20))
    compile.run(("rm %s/r.db-wal"):format(real))
    local ok, err = store:put({ entry }, 20)
    assert.is_nil(ok)
    assert.matches("was deleted, moved or replaced while it was open", err.message, 1, true)
    if another_user.problem() then return pending(another_user.problem()) end
    compile.run(("chown daemon %s/link"):format(directory))
    local output = run_as_another(("print(select(2, require('apivideo.inbox.sqlite') { path = %q }:open()).message)")
      :format(link))
    assert.matches(("inbox %s: Permission denied: the directory %s belongs to the user root"):format(link, real),
      output, 1, true)
    local paths = {}
    for _, part in ipairs(place.parts(link)) do paths[#paths + 1] = part.path end
    assert.same({ real .. "/r.db", real }, { paths[1], paths[#paths] })
  end)

  it("that is a pipe is rejected, and not opened #process", function()
    compile.run("mkfifo " .. path)
    for _, code in ipairs { "select(2, require('apivideo.inbox.sqlite') { path = %q }:open()).message",
      "select(2, require('apivideo.inbox.sqlite.examine').file(%q))" } do
      local output = process.run({ "-e", ("print(" .. code .. ")"):format(path) }, "timeout 10")
      assert.matches("it is not a regular file; name another file\n", output, 1, true)
    end
  end)

  it("without free space is rejected with the remedy #process", function()
    if mounting.missing() then pending(mounting.missing()) end
    local script = ("print(select(2, require('apivideo.inbox.sqlite') { path = %q }:open()).message)"):format(path)
    local output = compile.run(([[unshare -m sh -c 'mount -t tmpfs -o size=1m none %s || exit
      head -c 2000000 /dev/zero > %s/full; "$@"' sh %s 2>&1]]):format(directory, directory,
      process.command { "-e", script }))
    if output:find "mount:" then pending("tmpfs cannot be mounted here: " .. output) end
    assert.matches("free some space on its disk\n", output, 1, true)
  end)

  describe("on a network file system", function()
    local kind_of = core.network_file_system
    before_each(function() core.network_file_system = function() return "NFS" end end)
    after_each(function() core.network_file_system = kind_of end)

    it("is rejected, and no file is created", function()
      local message = rejected(open())
      assert.matches("its file system is NFS, where processes may not share the memory", message, 1, true)
      assert.matches('the option journal = "delete" needs no such memory', message, 1, true)
      assert.equal("", compile.run("ls -A " .. directory))
    end)

    it("is rejected for a file that has a write-ahead log", function()
      core.network_file_system = kind_of
      local store = open()
      assert(store:open())
      store:close()
      core.network_file_system = function() return "SMB" end
      assert.matches("its file system is SMB", rejected(open()))
    end)

    it("works with the journal \"delete\", and then also for a program without that option", function()
      local store = open { journal = "delete" }
      local inbox = apivideo.inbox { store = store }
      local raw = inboxes.caption "a"
      assert(inbox:put { event = apivideo.parse(raw), raw = raw, verified = true })
      assert.equal(1, assert(open():stats()).waiting)
      assert.equal("inbox.db\n", compile.run("ls -A " .. directory))
      local claim = assert(inbox:claim())[1]
      assert(claim:complete())
    end)
  end)

  it("on a local disk gets a write-ahead log again", function()
    local store = open { journal = "delete" }
    assert(store:open())
    store:close()
    assert(open():open())
    assert.truthy(core.file_id(path .. "-wal"))
    assert.matches("database is locked; another process", rejected(open { journal = "delete" }), 1, true)
  end)

  -- The file system is one of FUSE without a program, so its kind is known and everything else fails.
  it("on FUSE is recognised #process", function()
    if mounting.missing() then pending(mounting.missing()) end
    local script = ("print(select(2, require('apivideo.inbox.sqlite') { path = %q }:open()).message)"):format(path)
    local output = compile.run(([[unshare -m sh -c 'exec 3<> /dev/fuse
      mount -i -t fuse -o fd=3,rootmode=40000,user_id=65534,group_id=65534 none %s && "$@"' sh %s 2>&1]])
      :format(directory, process.command { "-e", script }))
    if output:find "file system is FUSE" then return end
    assert.truthy(output:find "[Pp]ermi" or output:find "/dev/fuse", output)
    pending("FUSE cannot be mounted here: " .. output)
  end)
end)
