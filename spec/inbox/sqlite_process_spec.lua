local another_user = require "spec.support.another_user"
local compile = require "spec.support.compile"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"

local path = os.tmpname()
local opened

-- The store in this process.
local function open()
  opened = opened or sqlite { path = path }
  return opened
end

local function clean()
  if opened then opened:close() end
  opened = nil
  for _, ending in ipairs { "", "-wal", "-shm", "-journal" } do os.remove(path .. ending) end
end

describe("inbox store sqlite, processes #process", function()
  before_each(clean)
  teardown(clean)

  -- Starts a process with a store on the file, and a function that puts an item.
  local function child(script)
    return process.start { "-e", ([[
      local store = require "apivideo.inbox.sqlite" { path = %q }
      local function put(key)
        return store:put({ { key = key, raw = key, verified = true, received_at = 1 } }, 20)
      end
      local function say(...) print(...) io.stdout:flush() end
    ]]):format(path) .. script }
  end

  it("can create the file at the same time", function()
    for _ = 1, 5 do
      clean()
      local children = {}
      for i = 1, 4 do children[i] = child(("say(assert(put '%d')[1])"):format(i)) end
      for _, each in ipairs(children) do
        each:wait_for "true\n"
        assert.equal(0, each:wait())
      end
      assert.equal(4, open():stats().waiting)
    end
  end)

  it("wait for a process that has locked the whole file when they open it", function()
    local other = process.start { "-e", ([[
      local db = assert(require("DBI").Connect("SQLite3", %q))
      db:autocommit(true)
      local function execute(text) assert(assert(db:prepare(text)):execute()) end
      execute "CREATE TABLE other (x)"
      execute "DROP TABLE other"
      execute "BEGIN EXCLUSIVE"
      print "locked" io.stdout:flush()
      require("apivideo").sleep(0.3) -- the waiting process is blocked, so it cannot signal this one
      execute "COMMIT"
    ]]):format(path) }
    other:wait_for "locked"
    local stats, err = open():stats()
    assert.equal(0, stats and stats.waiting, tostring(err))
    assert.equal(0, other:wait())
  end)

  it("share a file: each event is new once, and handled once", function()
    local children = {}
    for i = 1, 3 do
      children[i] = child [[
        for i = 1, 100 do
          if assert(put(tostring(i)))[1] then say "new" end
          local entry = assert(store:claim(1, 600))[1]
          if entry then
            say("handled " .. entry.raw)
            assert(store:complete(entry.id, entry.token))
          end
        end
        say "end"
      ]]
    end
    local new, handled = 0, {}
    for _, each in ipairs(children) do
      each:wait_for "end\n"
      for line in each:output():gmatch "[^\n]+" do
        local raw = line:match "^handled (%d+)$"
        if line == "new" then new = new + 1 end
        if raw then handled[#handled + 1] = tonumber(raw) end
      end
      assert.equal(0, each:wait())
    end
    table.sort(handled)
    assert.equal(100, new)
    assert.equal(100, #handled)
    for i = 1, 100 do assert.equal(i, handled[i]) end
    assert.equal(100, open():stats().done)
    local received, done = 0, 0
    for _, minute in ipairs(assert(open():activity())) do
      received, done = received + minute.received, done + minute.handled
    end
    assert.same({ 100, 100 }, { received, done })
  end)

  it("that are killed lose no event that they have put", function()
    local killed = child "for i = 1, 1e9 do assert(put(tostring(i))) say(i) end"
    killed:wait_for "\n50\n"
    killed:kill "KILL"
    local output = killed:output()
    killed:wait()
    for key in output:gmatch "(%d+)\n" do
      assert.same({ false }, open():put({ { key = key, raw = key, verified = true, received_at = 1 } }, 20))
    end
  end)

  it("on a full disk fail until there is space", function()
    -- A limit of the file size simulates the disk; its signal is ignored (children inherit that).
    local script = ([[
      local function limit(bytes) assert(os.execute("prlimit --fsize=" .. bytes .. ": --pid $PPID")) end
      local store = require "apivideo.inbox.sqlite" { path = %q }
      local function put(key)
        return store:put({ { key = key, raw = ("x"):rep(1000), verified = true, received_at = 1 } }, 20)
      end
      limit(262144)
      local kept, failed, err = 0, 0, nil
      repeat -- there is some space again after a checkpoint of the log
        local results, problem = put(tostring(kept + 1))
        if results then kept, failed = kept + 1, 0 else failed, err = failed + 1, problem end
        assert(kept < 5000, "the limit was not one")
      until failed == 10
      print("kept " .. kept, tostring(err))
      assert(#assert(store:list({ state = "waiting" }, { limit = 1000 })) == kept)
      limit "unlimited"
      assert(put(tostring(kept + 1))[1])
      for i = 1, kept + 1 do assert(not put(tostring(i))[1]) end
      assert(store:stats().waiting == kept + 1)
      print "over"
    ]]):format(path)
    local output = process.run({ "-e", script }, "--ignore-signal=XFSZ")
    assert.matches("kept %d%d+", output)
    assert.matches("disk I/O error; check its disk and its free space", output)
    assert.matches("over\n", output)
  end)

  it("with read-only access store nothing, and return an error", function()
    local is_root = compile.run "id -u" == "0\n" -- permissions do not restrict root: the child is another user then
    if is_root and another_user.problem() then return pending(another_user.problem()) end
    local directory = path .. ".d"
    os.execute(("mkdir %s && chmod 777 %s"):format(directory, directory))
    local file = directory .. "/inbox.db"
    local store = sqlite { path = file }
    assert(store:put({ { key = "a", raw = "a", verified = true, received_at = 1 } }, 20))
    store:close()
    os.execute("chmod 444 " .. file)
    local output = process.run({ "-e", ([[
      local store = require "apivideo.inbox.sqlite" { path = %q }
      print(store:put({ { key = "b", raw = "b", verified = true, received_at = 1 } }, 20))
      print "over"
    ]]):format(file) }, is_root and another_user.COMMAND or "")
    os.execute("chmod 644 " .. file)
    local remedy = (is_root and "chown -h daemon '%s'; " or ""):format(file) .. ("chmod u+w '%s' '%s-wal' '%s-shm':")
    assert.matches("nil.*store_unavailable.*readonly database; run: ", output)
    assert.matches(remedy:format(file, file, file), output, 1, true)
    assert.truthy(output:find "over")
    store = sqlite { path = file }
    assert.equal(1, assert(store:stats()).waiting)
    store:close()
    os.execute("rm -r " .. directory)
  end)

  if rawget(_G, "jit") then -- LuaJIT can fork without another library
    it("that were forked do not touch the open files of the parent", function()
      local output = process.run { "-e", ([[
        local ffi = require "ffi"
        ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
        local store = require "apivideo.inbox.sqlite" { path = %q }
        local function put(key)
          return store:put({ { key = key, raw = key, verified = true, received_at = 1 } }, 20)
        end
        assert(put "a")
        io.stdout:setvbuf "no"
        local child = ffi.C.fork()
        if child == 0 then
          print("child", select(2, put "b"))
          store:close()
          ffi.C._exit(0)
        end
        ffi.C.waitpid(child, nil, 0)
        print("parent", assert(put "c")[1], assert(store:stats()).waiting)
        store:close()
        child = ffi.C.fork()
        if child == 0 then
          store = require "apivideo.inbox.sqlite" { path = %q }
          print("second child", assert(put "d")[1])
          ffi.C._exit(0)
        end
        ffi.C.waitpid(child, nil, 0)
      ]]):format(path, path) }
      assert.truthy(output:find("child\t[^\n]*before this process was forked"), output)
      assert.truthy(output:find("parent\ttrue\t2", 1, true), output)
      assert.truthy(output:find("second child\ttrue", 1, true), output)
      assert.equal(3, open():stats().waiting)
    end)
  end
end)
