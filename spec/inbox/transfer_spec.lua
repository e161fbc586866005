-- Entries on their way from one store to another: inbox:export and inbox:import.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local inboxes = require "spec.support.inboxes"
local json = require "apivideo.util.json"
local misuse = require "spec.support.misuse"
local sqlite_stores = require "spec.support.sqlite_stores"
local testing = require "apivideo.testing"
local utf8 = require "apivideo.util.utf8"

local function lane_of(event) return event.videoId end

local function over(store)
  return apivideo.inbox { store = store, lane = lane_of, retain_bodies = true }
end

local function put(inbox, type, fields)
  local raw = inboxes.raw_of(type, fields)
  local is_new, err = inbox:put { event = assert(apivideo.parse(raw)), raw = raw, webhook_id = "webhook_1" }
  assert(is_new ~= nil, err)
  return is_new
end

local function list_of(iterator)
  local list = {}
  for line in iterator do list[#list + 1] = line end
  return list
end

-- An iterator over a list.
local function each(list)
  local place = 0
  return function()
    place = place + 1
    return list[place]
  end
end

-- The lines without what may differ between two exports: the time since they were received is measured again.
local function comparable(lines)
  local objects = {}
  for i, line in ipairs(lines) do
    local object = assert(json.decode_own(line))
    object.stored_at = math.floor(object.stored_at / 100)
    object.ended_at = object.ended_at and math.floor(object.ended_at / 100)
    objects[i] = object
  end
  return objects
end

describe("an export", function()
  local inbox, store

  before_each(function()
    store = testing.store()
    inbox = over(store)
    -- Done, dead, claimed, waiting, and bytes that cannot be parsed.
    for i = 1, 4 do put(inbox, "video.caption.generated", { captionId = tostring(i), videoId = "vi" .. i }) end
    put(inbox, "live-stream.broadcast.started", {})
    local _, err = apivideo.parse "\0\255{"
    assert(inbox:put { raw = "\0\255{", err = err })
    local claims = assert(inbox:claim { limit = 3 })
    assert(claims[1]:complete())
    assert(claims[2]:dead_letter "no \"luck\"\n")
  end)

  local others = {
    memory = function() return apivideo.inbox.memory() end,
    sqlite = function()
      sqlite_stores.clean()
      return sqlite_stores.open()
    end,
  }

  teardown(sqlite_stores.clean)

  for name, open in pairs(others) do
    it("has everything that an import into " .. name .. " needs", function()
      local lines = list_of(inbox:export())
      assert.equal(6, #lines)
      local copy = over(open())
      assert.equal(6, copy:import(each(lines)))
      assert.same(comparable(lines), comparable(list_of(copy:export())))
      local stats = assert(copy:stats())
      assert.same({ 3, 0, 2, 1 }, { stats.waiting, stats.claimed, stats.dead, stats.done })
      assert.equal("no \"luck\" ", (copy:list { error = "luck" })[1].error)
      assert.equal(1, #copy:get(2).attempts)
      assert.equal("\255\255{", copy:get(6).raw)
      for i = 1, 4 do
        assert.is_false(put(copy, "video.caption.generated", { captionId = tostring(i), videoId = "vi" .. i }))
      end
      assert.equal(0, copy:import(inbox:export()))
      assert.equal(1, copy:count { lane = "vi4" })
    end)
  end

  it("of a store that has only hashes can be imported, too", function()
    sqlite_stores.clean()
    local durable = over(sqlite_stores.open())
    assert.equal(6, durable:import(inbox:export()))
    local back = over(apivideo.inbox.memory())
    assert.equal(6, back:import(durable:export()))
    assert.is_false(put(back, "video.caption.generated", { captionId = "1", videoId = "vi1" }))
    local seen = {}
    inboxes.printed_by(function()
      assert(testing.drain(back, apivideo.handlers():otherwise(function(event, delivery)
        seen[#seen + 1] = { event.type, event.captionId or "", delivery.attempt }
      end)))
    end)
    assert.same({ { "video.caption.generated", "3", 2 }, { "video.caption.generated", "4", 1 },
      { "live-stream.broadcast.started", "", 1 } }, seen)
  end)

  it("has the entries of a filter", function()
    assert.equal(2, #list_of(inbox:export { state = "dead" }))
    assert.equal(1, #list_of(inbox:export { video_id = "vi3" }))
  end)

  it("reads more than one page, and can be imported in part first", function()
    for i = 1, 250 do put(inbox, "video.source.recorded", { videoId = "more" .. i }) end
    local lines = list_of(inbox:export())
    assert.equal(256, #lines)
    local copy, half = over(apivideo.inbox.memory()), {}
    for i = 1, 130 do half[i] = lines[i] end
    assert.equal(130, copy:import(each(half)))
    assert.equal(126, copy:import(each(lines)))
    assert.equal(256, copy:count())
  end)

  it("raises the error of the store", function()
    local lines = inbox:export()
    store:fail()
    local ok, err = pcall(lines)
    assert.is_false(ok)
    assert.is_true(errors.is(err))
    assert.equal("store_unavailable", err.kind)
    store:recover()
    local copy_store = testing.store()
    copy_store:fail()
    local count
    count, err = over(copy_store):import(inbox:export())
    assert.is_nil(count)
    assert.equal("store_unavailable", err.kind)
  end)

  it("keeps the bytes of any body", function()
    for length = 1, 7 do
      local raw = ("\254\1\200"):rep(3):sub(1, length)
      local _, err = apivideo.parse(raw)
      assert(inbox:put { raw = raw, err = err })
    end
    for line in inbox:export() do assert.equal(line, utf8.repaired(line)) end -- other programs read it, too
    local copy = over(apivideo.inbox.memory())
    assert(copy:import(inbox:export()))
    for length = 1, 7 do assert.equal(("\254\1\200"):rep(3):sub(1, length), copy:get(6 + length).raw) end
  end)

  it("with a line that is not an entry is rejected with its number, and the lines before it are stored", function()
    local lines = list_of(inbox:export())
    local good = lines[3]
    for message, line in pairs {
      ["line 3: it is not JSON"] = "{",
      ["line 3: it is not JSON: number"] = "5",
      ["line 3: key must be a string"] = (good:gsub('"key":', '"kee":')),
      ["line 3: key must be a hash"] = (good:gsub('"key":"%x', '"key":"x')),
      ["line 3: state must be waiting, dead or done"] = (good:gsub('"state":"waiting"', '"state":"claimed"')),
      ["line 3: origin must be"] = (good:gsub('"origin":"webhook"', '"origin":"x"')),
      ["line 3: received_at must be a number"] = (good:gsub('"received_at":', '"received_at":"x","x":')),
      ["line 3: raw or raw_base64 must have the bytes"] = (good:gsub('"raw":', '"raw_base64":')),
    } do
      lines[3] = line
      local copy = over(apivideo.inbox.memory())
      local count, err = copy:import(each(lines))
      assert.is_nil(count)
      assert.equal("bad_json", err.kind)
      assert.truthy(err.message:find(message, 1, true), err.message)
      assert.equal(2, copy:count())
    end
  end)

  it("with a number that no store can keep, or attempts that are not, is rejected", function()
    local good = list_of(inbox:export())[1]
    for message, line in pairs {
      ["received_at must be from 0 to 9000000000"] = (good:gsub('"received_at":[%d.e+-]+', '"received_at":-1')),
      ["stored_at must be from 0 to 9000000000"] = (good:gsub('"stored_at":[%d.e+-]+', '"stored_at":-1e400')),
      ["ended_at must be from 0 to 9000000000"] = (good:gsub('"ended_at":[%d.e+-]+', '"ended_at":1e300')),
      ["attempt must be from 0 to 2147483648"] = (good:gsub('"attempt":[%d.e+-]+', '"attempt":1e400')),
      ["attempts: each must be an object"] = (good:gsub('"attempts":%b[]', '"attempts":[1,"x",null]')),
      ["attempts: at must be a number"] = (good:gsub('"at":[%d.e+-]+', '"at":"x"')),
      ["attempts: times must be at most 9000000000"] = (good:gsub('"at":[%d.e+-]+', '"at":1e400')),
    } do
      assert.not_equal(good, line)
      local count, err = over(apivideo.inbox.memory()):import(each { line })
      assert.is_nil(count, line)
      assert.equal("bad_json", err.kind)
      assert.truthy(err.message:find(message, 1, true), err.message)
    end
    local copy = over(apivideo.inbox.memory())
    assert.equal(1, copy:import(each { (good:gsub('"attempts":%b[]', '"attempts":{"a":1}')) }))
    assert.same({}, copy:get(1).attempts)
  end)

  it("rejects wrong arguments where they are written", function()
    local message = misuse(function() inbox:import "inbox.jsonl" end)
    assert.truthy(message:find("inbox:import: lines must be a function", 1, true))
    message = misuse(function() inbox:export { stat = "x" } end)
    assert.truthy(message:find('inbox:export: filter: unknown option "stat"', 1, true))
  end)
end)
