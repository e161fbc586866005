local apivideo = require "apivideo"
local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local sqlite = require "apivideo.inbox.sqlite"
local stderr = require "spec.support.stderr"
local wait_for = require "spec.support.wait"

local RECORDED, SUMMARY = "video.source.recorded", "video.summary.generated"

describe("command inbox #process", function()
  local path, inbox

  before_each(function()
    path = os.tmpname()
    inbox = apivideo.inbox { store = sqlite { path = path }, retain_bodies = true }
  end)
  after_each(function()
    inbox:close()
    for _, ending in ipairs { "", "-wal", "-shm", ".jsonl" } do os.remove(path .. ending) end
  end)

  -- Runs a command on the inbox. Returns its output and exit status.
  local function run(name, ...)
    return process.run { "bin/apivideo", "inbox", name, "--store", "sqlite:" .. path, ... }
  end

  -- The records that a command prints with --json.
  local function records(...)
    local output, status = run(...)
    assert.equal(0, status, output)
    local list = {}
    for line in output:gmatch "[^\n]+" do list[#list + 1] = cjson.decode(line) end
    return list
  end

  -- Puts an event of a type for a video, and settles it: with an error as a dead letter, with "done" as handled.
  local function put(type, video, outcome)
    local event = apivideo.events:sample(type)
    event.videoId, event.emittedAt = video, nil
    local raw = cjson.encode(event)
    assert(inbox:put { event = assert(apivideo.parse(raw)), raw = raw, webhook_id = "webhook_1", verified = true })
    if not outcome then return end
    local claim = assert(inbox:claim())[1]
    if outcome == "done" then return assert(claim:complete()) end
    assert(claim:dead_letter(outcome))
  end

  it("stats counts the entries, and fails when there are too many", function()
    put(RECORDED, "vi1", "broken")
    put(RECORDED, "vi2", "done")
    put(RECORDED, "vi3")
    local output, status = run "stats"
    assert.equal(0, status, output)
    assert.matches("^1 waiting, 0 claimed, 1 dead, 1 done; the oldest waits for %d+%.%d s\n$", output)
    assert.equal(1, records("stats", "--json")[1].dead)
    output, status = run("stats", "--max-dead", "0")
    assert.equal(1, status)
    assert.matches("1 dead letter, at most 0 are allowed; see: apivideo inbox list --state dead", output, 1, true)
    wait_for(function()
      output, status = run("stats", "--max-age", "1s")
      return status == 1
    end, "an event that is older than a second")
    assert.matches("does a worker run?", output, 1, true)
    assert.equal(0, (select(2, run("stats", "--max-dead", "1", "--max-age", "1h"))))
  end)

  it("list prints the entries that the options select", function()
    put(RECORDED, "vi1", "no such user")
    put(SUMMARY, "vi2", "timeout")
    put(RECORDED, "vi3")
    local output = run "list"
    assert.matches("1  dead     %d+%-%d+%-%d+ %d+:%d+:%d+Z   1  video%.source%.recorded .*videoId=vi1  no such user\n",
      output)
    for _, case in ipairs {
      { { "--state", "dead" }, { "vi1", "vi2" } }, { { "--type", RECORDED }, { "vi1", "vi3" } },
      { { "--type", "video.summary.*" }, { "vi2" } }, { { "--video", "vi3" }, { "vi3" } },
      { { "--error", "such" }, { "vi1" } }, { { "--since", "1h" }, { "vi1", "vi2", "vi3" } },
      { { "--before", "1h" }, {} }, { { "--id", "2" }, { "vi2" } },
      { { "--newest", "--limit", "2" }, { "vi3", "vi2" } },
      { { "--webhook", "webhook_2" }, {} },
    } do
      local videos = {}
      for i, record in ipairs(records("list", "--json", (table.unpack or unpack)(case[1]))) do
        videos[i] = record.videoId
      end
      assert.same(case[2], videos)
    end
  end)

  it("list prints no error of an earlier attempt of an entry that is done", function()
    put(RECORDED, "vi1")
    assert(assert(inbox:claim())[1]:retry(0, "no such user"))
    assert.matches("waiting .*  no such user\n$", (run "list"))
    assert(assert(inbox:claim())[1]:complete())
    local output = run "list"
    assert.matches("1  done .*videoId=vi1\n$", output)
    output = run("show", "1")
    assert.not_matches("no such user", output:match "^[^\n]+", 1, true)
    assert.matches("attempt at .*\n      no such user\n", output)
    assert.equal("no such user", records("list", "--json")[1].error)
  end)

  it("list replaces control characters, and bytes that are not UTF-8", function()
    local raw = "\27[31m\255"
    inbox:put { raw = raw, err = select(2, apivideo.parse(raw)), webhook_id = "w\255\27", verified = true }
    local output = run "list"
    assert.is_nil(output:find("[\27\r]"))
    output = run("list", "--json")
    assert.equal("w\239\191\189\27", cjson.decode(output).webhookId)
  end)

  it("show prints an entry with its attempts", function()
    put(RECORDED, "vi1", "no such user")
    local output, status = run("show", "1")
    assert.equal(0, status, output)
    assert.matches('event     {.*"videoId":"vi1"', output)
    assert.matches("attempt at .*\n      no such user", output)
    assert.is_nil(output:find("succeeded", 1, true), output)
    local record = records("show", "1", "--json")[1]
    assert.equal("no such user", record.attempts[1].error)
    output, status = run("show", "7")
    assert.equal(1, status)
    assert.matches("no entry has the id 7", output, 1, true)
    assert.equal(2, (select(2, run("show", "x"))))
  end)

  it("show prints the error of each attempt, and a repeated call stack once", function()
    put(RECORDED, "vi1")
    local cancel, handlers = apivideo.cancellation(), apivideo.handlers()
    handlers:on(RECORDED, function() error "no such user" end)
    local function on_settled(settlement)
      if settlement.disposition == "dead_lettered" then cancel:cancel() end
    end
    stderr.of(function()
      apivideo.run(function()
        inbox:work(handlers, { max_attempts = 2, backoff = 0.001, cancel = cancel, on_settled = on_settled })
      end)
    end)
    local output, status = run("show", "1")
    assert.equal(0, status, output)
    local _, errors = output:gsub("\n      [^\n]*inbox_spec.lua:%d+: no such user%f[\n]", "")
    assert.equal(2, errors, output)
    local _, stacks = output:gsub("in function 'error'", "")
    assert.equal(1, stacks, output)
    assert.matches("no such user\n      the call stack is the same\n$", output)
  end)

  it("show recognises an equal call stack in which Lua has named a function differently", function()
    put(RECORDED, "vi1", "broken")
    local line = cjson.decode((run "export"))
    line.attempts = {}
    for i, text in ipairs {
      "app.lua:3: in function <app.lua:2>\n\t[C]: in function 'xpcall'\n\tx.lua:9: in main chunk",
      "app.lua:3: in function <app.lua:2>\n\t[C]: in function 'apivideo.util.pcall.xpcall'\n\tx.lua:9: in main chunk",
      "app.lua:3: in upvalue 'f'\n\t[C]: in function 'xpcall'\n\tx.lua:9: in main chunk",
      "app.lua:3: in upvalue 'f'\n\t[C]: in function 'string.rep'\n\tx.lua:9: in main chunk",
      "app.lua:3: in upvalue 'f'\n\t[C]: in function <0x5566>\n\tx.lua:9: in main chunk",
      "app.lua:3: in upvalue 'f'\n\t[C]: in function <0x7788>\n\tx.lua:9: in main chunk",
      "app.lua:4: in upvalue 'f'\n\t[C]: in function <0x5566>\n\tx.lua:9: in main chunk",
    } do
      line.attempts[i] = { at = i, seconds = 1, worker = "w/1", error = "broken", traceback = "\t" .. text }
    end
    file.write(path .. ".jsonl", cjson.encode(line) .. "\n")
    inbox:purge { state = "dead" }
    assert.equal("1 entry imported\n", (run("import", path .. ".jsonl")))
    local output = run("show", "2")
    local _, count = output:gsub("the call stack is the same", "")
    assert.equal(3, count, output)
    assert.matches("in function 'string.rep'", output, 1, true)
    assert.matches("app.lua:4: in upvalue 'f'", output, 1, true)
  end)

  it("redrive queues the dead letters that the options select", function()
    put(RECORDED, "vi1", "broken")
    put(SUMMARY, "vi2", "broken")
    assert.equal("1 entry would be queued again\n", (run("redrive", "--type", RECORDED, "--dry-run")))
    assert.equal(2, inbox:stats().dead)
    assert.matches("Hand 1 entry to the handlers again? There is no terminal to ask on; use --yes\n",
      (run("redrive", "--type", RECORDED)), 1, true)
    assert.equal(2, inbox:stats().dead)
    assert.equal("1 entry queued again\n", (run("redrive", "--type", RECORDED, "--yes")))
    assert.equal("1 entry queued again\n", (run("redrive", "--yes")))
    assert.equal("0 entries queued again\n", (run "redrive"))
    assert.matches("--type: unknown event type video.source.recordde; it may be newer than this version; did you mean"
      .. " video.source.recorded?", (run("redrive", "--type", "video.source.recordde")), 1, true)
    assert.matches("no entry matches", (run("list", "--state", "dead")), 1, true)
  end)

  it("replay hands handled events to handlers again", function()
    put(RECORDED, "vi1", "done")
    put(SUMMARY, "vi2", "done")
    local output, status = run("replay", "--video", "vi1")
    assert.equal(2, status)
    assert.matches("Hand 1 entry to the handlers again? There is no terminal to ask on; use --yes", output, 1,
      true)
    assert.equal("1 entry queued again\n", (run("replay", "--video", "vi1", "--yes")))
    assert.equal("vi1", assert(inbox:claim())[1].event.videoId)
    assert.equal("0 entries queued again; only an inbox with the option retain_bodies keeps handled events\n",
      (run("replay", "--video", "vi3", "--yes")))
  end)

  it("redrive, replay and purge say why they do not change the entry of --id", function()
    put(RECORDED, "vi1", "done")
    put(RECORDED, "vi2", "broken")
    put(RECORDED, "vi3")
    inbox:close()
    inbox = apivideo.inbox { store = sqlite { path = path } }
    local claim = assert(inbox:claim())[1]
    assert(claim:complete()) -- without retain_bodies
    put(RECORDED, "vi4")
    local missing = "inbox: not_found: no entry has the id 9999"
    local not_selected = ", but the other options do not select it"
    local other = "the entry %d is %s, not %s; `apivideo inbox %s --store 'sqlite:" .. path
      .. "' --id %d` handles it again"
    for _, case in ipairs {
      { missing, "redrive", "9999" }, { missing, "replay", "9999" }, { missing, "purge", "9999" },
      { missing, "redrive", "9999", "--dry-run" },
      { other:format(1, "done", "dead", "replay", 1), "redrive", "1" },
      { other:format(2, "dead", "done", "redrive", 2), "replay", "2" },
      { "the entry 3 is done, not dead", "redrive", "3" },
      { "the event of the entry 3 is not stored; only an inbox with the option retain_bodies keeps handled events",
        "replay", "3" },
      { "the entry 4 is waiting, not dead", "redrive", "4" }, { "the entry 4 is waiting, not done", "replay", "4" },
      { "the entry 4 is waiting, not dead or done", "purge", "4" },
      { "the entry 1 is done" .. not_selected, "replay", "1", "--type", SUMMARY },
      { "the entry 2 is dead" .. not_selected, "purge", "2", "--state", "done" },
    } do
      local output, status = run(case[2], "--id", (table.unpack or unpack)(case, 3))
      assert.same({ "apivideo: " .. case[1] .. "\n", 1 }, { output, status })
    end
    assert.equal("1 entry queued again\n", (run("redrive", "--id", "2", "--yes")))
  end)

  it("purge removes entries, if that is confirmed", function()
    put(RECORDED, "vi1", "broken")
    local output, status = run("purge", "--state", "dead")
    assert.equal(2, status)
    assert.matches("Remove 1 entry for good? There is no terminal to ask on; use --yes", output, 1, true)
    assert.equal("1 entry would be removed\n", (run("purge", "--state", "dead", "--dry-run")))
    assert.equal("1 entry removed\n", (run("purge", "--state", "dead", "--yes")))
    output, status = run("purge", "--yes")
    assert.equal(2, status)
    assert.matches("--state dead", output, 1, true)
  end)

  it("pause and resume stop and continue the handling", function()
    assert.equal(("paused; continue with: apivideo inbox resume --store 'sqlite:%s'\n"):format(path), (run "pause"))
    assert.is_true(inbox:stats().paused)
    assert.equal("resumed\n", (run "resume"))
    assert.is_false(inbox:stats().paused)
  end)

  it("pause and resume with --type concern a type or pattern, and stats shows it", function()
    put(SUMMARY, "vi1")
    put(RECORDED, "vi2")
    assert.equal(("video.summary.*: paused; continue with: apivideo inbox resume --store 'sqlite:%s' --type"
      .. " 'video.summary.*'\n"):format(path), (run("pause", "--type", "video.summary.*")))
    assert(inbox._store:pause(RECORDED, 60, "the database is unavailable"))
    assert.is_false(inbox:stats().paused)
    assert.matches("2 waiting, .*; paused types: video%.source%.recorded %(a probe in %d+%.?%d* s; the last error: "
      .. "the database is unavailable%), video%.summary%.%*\n", (run "stats"))
    local shown = records("stats", "--json")[1].paused_types
    assert.same({ RECORDED, "the database is unavailable" }, { shown[1].type, shown[1].reason })
    assert.same({}, inbox:claim { limit = 10 })
    assert.same({ paused = false, type = "*", changed = true }, records("resume", "--type", "*", "--json")[1])
    assert.equal(2, #inbox:claim { limit = 10 })
    assert.matches("unknown event type video.sumary.generated; .*did you mean video.summary.generated",
      (run("pause", "--type", "video.sumary.generated")))
    assert.matches("--type: 'video.summary' is only the beginning of video.summary.generated;",
      (run("pause", "--type", "video.summary")), 1, true)
    assert.equal(1, #inbox:stats().paused_types)
  end)

  it("resume says what was not paused, and what is still paused", function()
    assert(inbox:pause { type = "video.source.*" })
    for _, case in ipairs {
      { {}, "the inbox was not paused; still paused: video.source.*\n" },
      { { "--type", RECORDED }, RECORDED .. ": was not paused; still paused: video.source.*\n" },
      { { "--type", "video.source.*" }, "video.source.*: resumed\n" },
      { { "--type", "video.source.*" }, "video.source.*: was not paused\n" },
      { {}, "the inbox was not paused\n" },
    } do
      local output, status = run("resume", (table.unpack or unpack)(case[1]))
      assert.same({ case[2], 0 }, { output, status })
    end
    assert(inbox:pause())
    assert(inbox:pause { type = SUMMARY })
    assert.equal(SUMMARY .. ": resumed; still paused: the inbox\n", (run("resume", "--type", SUMMARY)))
    assert(inbox:pause { type = SUMMARY })
    assert.equal("resumed; still paused: " .. SUMMARY .. "\n", (run "resume"))
    assert.is_false(records("resume", "--json")[1].changed)
  end)

  it("pause and resume --type '*' say that they concern all types", function()
    local paused = "all types: paused; continue with: apivideo inbox resume --store 'sqlite:%s' --type '*'\n"
    assert.equal(paused:format(path), (run("pause", "--type", "*")))
    assert.equal("all types: resumed\n", (run("resume", "--type", "*")))
    assert.equal("all types: none was paused\n", (run("resume", "--type", "*")))
    assert(inbox:pause())
    assert.equal("all types: none was paused; still paused: the inbox\n", (run("resume", "--type", "*")))
    assert.same({ paused = true, type = "*" }, records("pause", "--type", "*", "--json")[1])
  end)

  it("export and import move entries to another inbox", function()
    put(RECORDED, "vi1", "broken")
    put(SUMMARY, "vi2", "done")
    put(RECORDED, "vi3")
    local output, status = run "export"
    assert.equal(0, status, output)
    file.write(path .. ".jsonl", output)
    inbox:close()
    os.remove(path)
    output, status = run("import", path .. ".jsonl")
    assert.equal(2, status)
    assert.matches("No such file", output, 1, true)
    output, status = run("import", path .. ".jsonl", "--create")
    assert.equal(0, status, output)
    assert.equal("3 entries imported\n", output)
    assert.equal("0 entries imported\n", (run("import", path .. ".jsonl")))
    inbox = apivideo.inbox { store = sqlite { path = path } }
    local stats = inbox:stats()
    assert.same({ 1, 1, 1 }, { stats.waiting, stats.dead, stats.done })
  end)

  it("fails with a message that names the option", function()
    for _, case in ipairs {
      { 2, { "list", "--state", "deed" },
        "--state must be waiting, claimed, dead or done, got 'deed'; did you mean dead?" },
      { 2, { "purge", "--state", "waiting" }, "--state must be dead or done, got 'waiting'" },
      { 2, { "stats", "--max-age", "300" }, "--max-age must be a duration such as 90s, 30m, 2h or 1d, got '300'" },
      { 2, { "list", "--since", "soon" }, "--since must be a duration ago, such as 30m, 2h or 1d, or a date" },
      { 2, { "list", "--type", "video*" }, "--type must be a type or a pattern such as 'video.*', got 'video*'" },
      { 2, { "list", "--limit", "0" }, "--limit must be an integer" },
      { 2, { "list", "--store", "sqlite:/nonexistent" }, "--store: /nonexistent: No such file or directory" },
      { 2, { "stats", "--max-dead", "-1" }, "--max-dead must be an integer" },
      { 2, { "redrive", "--type", "video.encoding*" },
        "--type must be a type or a pattern such as 'video.*', got 'video.encoding*'" },
      { 1, { "export", "--store", "redis://127.0.0.1:1" }, "127.0.0.1:1" },
      { 2, { "import", "/nonexistent" }, "/nonexistent: No such file" },
      { 2, { "import", "/" }, "/: Is a directory; the path of a file is expected" },
      { 1, { "stats", "--store", "redis://127.0.0.1:1" }, "127.0.0.1:1" },
      { 2, { "stats", "--store", "redis://" }, "--store must be" },
    } do
      local output, status = process.run({ "bin/apivideo", "inbox", (table.unpack or unpack)(case[2]) },
        "APIVIDEO_STORE=sqlite:" .. path)
      assert.equal(case[1], status, output)
      assert.matches(case[3], output, 1, true)
    end
    local output, status = process.run({ "bin/apivideo", "inbox", "list" }, "-u APIVIDEO_STORE")
    assert.equal(2, status)
    assert.matches("no inbox; use --store", output, 1, true)
  end)
end)
