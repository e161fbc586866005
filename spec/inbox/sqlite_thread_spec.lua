-- The SQLite store in a thread of its own.

local apivideo = require "apivideo"
local conformance = require "spec.support.inbox_conformance"
local core = require "apivideo.core"
local inboxes = require "spec.support.inboxes"
local sqlite_stores = require "spec.support.sqlite_stores"

local WINDOW, path, clean = sqlite_stores.WINDOW, sqlite_stores.path, sqlite_stores.clean
local item, put, unavailable = sqlite_stores.item, sqlite_stores.put, sqlite_stores.unavailable

local function open() return sqlite_stores.open(nil, true) end

conformance("sqlite in a thread", {
  open = function()
    clean()
    return open()
  end,
  again = open,
  unwritable = sqlite_stores.unwritable,
  inherited = "rejects",
})

describe("inbox store sqlite in a thread", function()
  before_each(clean)
  teardown(clean)

  it("lets other tasks run while it waits for the disk, or for another process", function()
    local store = open()
    put(store, "a")
    local turns, is_done = 0, false
    sqlite_stores.unwritable(function()
      apivideo.spawn(function()
        unavailable("database is locked", store:put({ item "b" }, WINDOW))
        is_done = true
      end)
      apivideo.run(function()
        while not is_done do
          turns = turns + 1
          apivideo.sleep(0.01)
        end
      end)
    end)
    assert.is_true(turns > 20, turns)
  end)

  it("returns the results of concurrent calls to their tasks", function()
    local store, keys = open(), {}
    apivideo.run(function()
      local ended = 0
      for i = 1, 20 do
        apivideo.spawn(function()
          keys[i] = put(store, tostring(i % 10))
          ended = ended + 1
        end)
      end
      while ended < 20 do apivideo.sleep(0.001) end
    end)
    for i = 1, 20 do assert.equal(i <= 10, keys[i]) end
    assert.equal(10, store:stats().waiting)
  end)

  it("finishes the calls that were made before it is closed", function()
    local store, results = open(), {}
    apivideo.run(function()
      for i = 1, 5 do apivideo.spawn(function() results[i] = put(store, tostring(i)) end) end
      apivideo.sleep(0)
      assert.is_true(store:close())
      unavailable("it was closed", store:stats())
      apivideo.sleep(0)
    end)
    assert.same({ true, true, true, true, true }, results)
    assert.equal(5, open():stats().waiting)
  end)

  it("does not keep the loop of a script running", function()
    local store = open()
    apivideo.spawn(put, store, "a")
    apivideo.run()
    assert.equal(1, store:stats().waiting)
  end)

  it("logs in the log of this process", function()
    local printed = inboxes.printed_by(function() put(open(), "a") end)
    assert.matches("warn apivideo: inbox [^\n]*: it did not exist and was created", printed)
    local lines = {}
    finally(function() apivideo.log {} end)
    apivideo.log { write = function(line) lines[#lines + 1] = line end }
    clean()
    put(open(), "a")
    assert.matches("it did not exist and was created", lines[1])
  end)

  it("raises what the store raises, and continues", function()
    local store = open()
    put(store, "a")
    local ok, problem = pcall(store.put, store, { item "b", 5 }, WINDOW)
    assert.is_false(ok)
    assert.matches("sqlite/operations.lua:%d+: attempt to index", problem)
    assert.equal(1, store:stats().waiting)
  end)

  it("rejects what is not plain, before it is sent", function()
    local store = open()
    assert.has_error(function() store:put({ item("a", { lane = print }) }, WINDOW) end)
    assert.equal(0, store:stats().waiting)
  end)

  it("returns an error while the module cannot be loaded in the thread, and works afterwards", function()
    local store, package_path = open(), package.path
    package.path = "/nonexistent/?.lua"
    local result, err = store:stats()
    package.path = package_path
    unavailable("its thread failed: [^\n]*module 'apivideo.inbox.threaded.handler' not found", result, err)
    assert.equal(0, store:stats().waiting)
  end)

  it("returns an error while the thread does not find LuaDBI, and works afterwards", function()
    local store, package_path = open(), package.path
    finally(function() package.path = package_path end)
    package.path = "./lua/?.lua;./lua/?/init.lua"
    for _ = 1, 2 do
      unavailable("its thread failed: [^\n]*module 'DBI' not found.*; it finds modules by package.path and "
        .. "package.cpath only: correct these, let the user of this process %(in nginx: of its workers%) read the "
        .. "files there, or use the option thread = false", store:stats())
    end
    package.path = package_path
    assert.equal(0, store:stats().waiting)
  end)

  it("has the error of a full queue at once", function()
    local store, failed, done = open(), 0, 0
    put(store, "a")
    sqlite_stores.unwritable(function()
      apivideo.run(function()
        for i = 1, 1010 do
          apivideo.spawn(function()
            local result, err = store:put({ item(tostring(i)) }, WINDOW)
            done = done + 1
            if not result and err.message:find "too many calls wait" then failed = failed + 1 end
          end)
        end
        apivideo.sleep(0)
        assert.equal(10, failed)
        assert.equal(10, done)
      end)
    end)
    store:close()
  end)

  it("is closed by the end of the script, after its calls", function()
    local process = require "spec.support.process"
    local output = process.run { "-e", ([[
      local apivideo = require "apivideo"
      local store = apivideo.inbox.sqlite { path = %q }
      for i = 1, 3 do
        apivideo.spawn(function()
          store:put({ { key = tostring(i), raw = "x", verified = true, received_at = 1 } }, 20)
        end)
      end
      apivideo.sleep(0)
      print "end"
    ]]):format(path) }
    assert.matches("end\n$", output)
    assert.equal(3, open():stats().waiting)
  end)

  it("has a clock that a test sets with apivideo.testing", function()
    local clock = require("apivideo.testing").clock
    local store = open()
    put(store, "a")
    assert.equal("a", assert(store:claim(1, 600))[1].raw)
    assert.same({}, assert(store:claim(1, 600)))
    clock:advance(601)
    assert.equal("a", assert(store:claim(1, 600))[1].raw)
  end)

  it("is used by workers with several tasks, and limits of types", function()
    local inbox, handled = apivideo.inbox { store = open() }, 0
    local handlers = apivideo.handlers():on("video.*", function() handled = handled + 1 end)
    apivideo.run(function()
      for i = 1, 6 do
        local raw = inboxes.raw_of("video.source.recorded", { videoId = "v" .. i })
        assert(inbox:put { raw = raw, event = assert(apivideo.events:parse(raw)) })
      end
      local cancel = apivideo.cancellation()
      apivideo.spawn(function()
        while assert(inbox:stats()).done < 6 do apivideo.sleep(0.01) end
        cancel:cancel()
      end)
      assert(inbox:work(handlers, { concurrency = { default = 4, ["video.*"] = 2 }, cancel = cancel }))
    end)
    assert.equal(6, handled)
    for _, operation in ipairs { "redrive", "replay" } do assert(inbox[operation](inbox)) end
    assert.equal(6, assert(inbox:purge { state = "done" }))
  end)

  it("is named by its file", function()
    assert.equal("apivideo.inbox.sqlite " .. path, tostring(open()))
  end)

  it("has the clock of this machine", function()
    local store = open()
    local before = core.monotonic()
    put(store, "a")
    local age = assert(store:list({}, { limit = 1 }))[1].age
    assert.is_true(age >= 0 and age <= core.monotonic() - before)
  end)
end)
