--- Conformance of a store: the filters of operators.

local assert = require "luassert"
local busted = require "busted"

local describe, it, before_each = busted.describe, busted.it, busted.before_each

local digest = require("apivideo.inbox.store").digest

-- The names of the entries that `fill` puts and a filter selects.
local CASES = {
  { "abcdefg", {} }, { "ab", { state = "done" } }, { "cd", { state = "dead" } }, { "e", { state = "claimed" } },
  { "fg", { state = "waiting" } }, { "ace", { type = "video.a" } }, { "df", { type = "stream.a" } },
  { "abce", { type_prefix = "video." } }, { "abcdef", { type_prefix = "" } }, { "", { type = "video." } },
  { "abc", { video_id = "vi1" } }, { "b", { webhook_id = "webhook_2" } }, { "f", { lane = digest "one lane" } },
  { "cd", { error = "failed: 100%" } }, { "c", { error = "c failed" } }, { "", { error = "C failed" } },
  { "efg", { since = 1700000005 } }, { "abcd", { before = 1700000005 } },
  { "cd", { since = 1700000003, before = 1700000005 } },
  { "c", { state = "dead", type = "video.a" } }, { "a", { state = "done", type = "video.a" } },
  { "e", { state = "claimed", type = "video.a" } }, { "f", { state = "waiting", type = "stream.a" } },
  { "c", { state = "dead", type_prefix = "video." } }, { "c", { state = "dead", video_id = "vi1" } },
  { "", { state = "waiting", video_id = "vi1" } },
  { "a", { type = "video.a", video_id = "vi1", before = 1700000002 } },
  { "c", { state = "dead", ended_for = 0, video_id = "vi1" } }, { "", { state = "done", ended_for = 60 } },
}

-- The entries of all pages.
local function all_of(store, where, page)
  local found = {}
  local query = { limit = 1000 }
  for name, value in pairs(page or {}) do query[name] = value end
  repeat
    local entries, following = store:list(where, query)
    for _, entry in ipairs(assert(entries, following)) do found[#found + 1] = entry end
    query.after = following
  until not following
  return found
end

-- The sum of the results of all pages.
local function total_of(store, method, where)
  local sum, after = 0, nil
  repeat
    local count
    count, after = store[method](store, where, { limit = 1000, after = after })
    sum = sum + assert(count, after)
  until not after
  return sum
end

-- Puts entries a to g: a and b are done, c and d dead, e claimed, f and g waiting.
local function fill(test)
  local kinds = { a = "video.a", b = "video.b", c = "video.a", d = "stream.a", e = "video.a", f = "stream.a" }
  local place = 0
  for name in ("abcdefg"):gmatch "." do
    place = place + 1
    test.put { key = name, raw = name, type = kinds[name],
      video_id = name < "d" and "vi1" or name == "d" and "vi2" or nil,
      webhook_id = name == "b" and "webhook_2" or nil, received_at = 1700000000 + place,
      detail = name < "f" and name .. " 720p" or nil,
      lane = name == "f" and "one lane" or nil }
  end
  for _, name in ipairs { "a", "b", "c", "d" } do
    local entry = test.claim()
    assert.equal(name, entry.raw)
    if name < "c" then
      assert.is_true(test.store():complete(entry.id, entry.token))
    else
      assert.is_true(test.store():dead_letter(entry.id, entry.token, name .. " failed: 100%"))
    end
  end
  assert.equal("e", test.claim().raw)
end

---@param test spec.StoreTest
return function(test)
  local WINDOW, item, raws_of, put, claim = test.WINDOW, test.item, test.raws_of, test.put, test.claim
  local store

  before_each(function() store = test.store() end)

  local function all(where, page) return all_of(store, where, page) end
  local function total(method, where) return total_of(store, method, where) end

  -- The name of an entry, also of one that is done and has no bytes.
  local function name_of(entry)
    local place = entry.id - test.first
    return ("abcdefg"):sub(place, place)
  end

  -- The names of the entries that match, in the order of the list.
  local function names(where, page)
    local list = {}
    for i, entry in ipairs(all(where, page)) do list[i] = name_of(entry) end
    return table.concat(list)
  end

  describe("a filter", function()
    before_each(function()
      put { key = "first", raw = "first" }
      local first = claim()
      test.first = first.id
      assert.is_true(store:remove(first.id, first.token))
      fill(test)
    end)

    for _, case in ipairs(CASES) do
      local expected, where = case[1], case[2]
      local fields = {}
      for name, value in pairs(where) do fields[#fields + 1] = name .. " " .. tostring(value) end
      table.sort(fields)
      local conditions, selected = table.concat(fields, ", "), expected ~= "" and expected or "none"
      it(("{ %s } selects %s, also backwards, in pages, and counted"):format(conditions, selected), function()
        assert.equal(expected, names(where))
        assert.equal(expected:reverse(), names(where, { newest = true }))
        assert.equal(expected, names(where, { limit = 1 }))
        assert.equal(expected:reverse(), names(where, { limit = 1, newest = true }))
        assert.equal(#expected, total("count", where))
      end)
    end

    it("selects entries without their bytes", function()
      local with, without = all({ state = "dead" }), all({ state = "dead" }, { without_raw = true })
      assert.equal(2, #without)
      for i, entry in ipairs(without) do
        assert.equal("", entry.raw)
        assert.same({ with[i].id, with[i].error, with[i].type, with[i].state, with[i].received_at, with[i].attempt },
          { entry.id, entry.error, entry.type, entry.state, entry.received_at, entry.attempt })
        assert.equal(with[i].raw, all({ id = entry.id })[1].raw)
      end
    end)

    it("selects an id", function()
      for place = 1, 7 do
        local id = test.first + place
        assert.equal(("abcdefg"):sub(place, place), names { id = id })
        assert.equal(("abcdefg"):sub(place, place), names({ id = id }, { newest = true }))
        assert.equal(1, total("count", { id = id }))
      end
      assert.equal("", names { id = test.first + 8 })
      assert.equal("", names { id = test.first + 1, state = "dead" })
    end)

    it("shows the fields of the entries", function()
      local entries = all {}
      for _, entry in ipairs(entries) do
        local states = { a = "done", b = "done", c = "dead", d = "dead", e = "claimed", f = "waiting", g = "waiting" }
        assert.equal(states[name_of(entry)], entry.state)
      end
      assert.equal("video.a", entries[1].type)
      assert.equal("vi1", entries[1].video_id)
      for i, name in ipairs { "a", "b", "c", "d", "e" } do assert.equal(name .. " 720p", entries[i].detail) end
      assert.is_nil(entries[7].detail)
      assert.is_nil(entries[7].type)
      assert.is_nil(entries[7].video_id)
    end)

    it("selects what is redriven", function()
      assert.equal(0, total("redrive", { type = "video.b" }))
      assert.equal(0, total("redrive", { id = test.first + 1 })) -- it is done
      assert.equal(0, total("redrive", { id = test.first + 5 })) -- it is claimed
      assert.equal(1, total("redrive", { video_id = "vi2" }))
      assert.equal("c", names { state = "dead" })
      assert.equal("dfg", names { state = "waiting" })
      assert.same({ "d", "f", "g" }, raws_of(store:claim(10, 60)))
    end)

    it("selects what is purged", function()
      assert.equal(0, total("purge", { state = "done", type = "stream.a" }))
      assert.equal(0, total("purge", { state = "dead", ended_for = 60 }))
      assert.equal(1, total("purge", { state = "done", type = "video.a" }))
      assert.equal(1, total("purge", { state = "dead", error = "d failed" }))
      assert.equal("bcefg", names {})
      assert.is_true(put { key = "a" })
      assert.is_true(put { key = "d" })
      assert.is_false(put { key = "b" })
      assert.is_false(put { key = "c" })
    end)
  end)

  it("a filter by state selects an entry that waits for another of its lane", function()
    for name in ("abc"):gmatch "." do put { key = name, raw = name, lane = "one lane" } end
    assert.equal("a", claim().raw)
    assert.same({ "b", "c" }, raws_of(all { state = "waiting" }))
    assert.equal(2, total("count", { state = "waiting" }))
  end)

  describe("many entries", function()
    it("are looked at in parts", function()
      for first = 1, 2500, 500 do
        local items = {}
        for i = 1, 500 do
          local place = first + i - 1
          items[i] = item { key = tostring(place), raw = tostring(place), type = place == 2400 and "rare" or "usual",
            webhook_id = place == 2400 and "webhook_2" or nil }
        end
        assert(store:put(items, WINDOW))
      end
      local entries, following = store:list({ webhook_id = "webhook_2" }, { limit = 10 })
      assert.same({}, entries)
      assert.is_number(following)
      assert.same({ "2400" }, raws_of(all { webhook_id = "webhook_2" }))
      assert.same({ "2400" }, raws_of(all { type = "rare" }))
      assert.same({ "2400" }, raws_of(all({ type = "rare" }, { newest = true })))
      assert.equal(2500, #all { state = "waiting" })
      assert.equal(2500, #all {})
      assert.equal(2499, total("count", { type = "usual" }))
      while true do
        local claims = assert(store:claim(500, 60))
        if not claims[1] then break end
        for _, each in ipairs(claims) do assert(store:dead_letter(each.id, each.token, "x")) end
      end
      assert.equal(2499, total("redrive", { type = "usual" }))
      assert.equal(1, total("purge", { state = "dead" }))
      assert.equal(2499, total("count", { state = "waiting" }))
    end)
  end)
end
