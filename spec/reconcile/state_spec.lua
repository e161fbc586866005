-- The state between two passes of a reconciliation.

local apivideo = require "apivideo"
local memory = require "apivideo.inbox.memory"
local states = require "apivideo.reconcile.state"
local tables = require "apivideo.util.tables"

local MANY = 6000 -- more than a pass keeps; the JSON of others has at most 1024 members and 65536 values

describe("the state of a reconciliation", function()
  local store

  before_each(function() store = memory() end)
  after_each(function() apivideo.log {} end)

  it("is the same in the next pass, however large it is", function()
    local lease = assert(states.acquire(store, 0, "account"))
    lease.state.cursor, lease.state.first, lease.state.streams = 1769817600.25, 1769731200, {}
    for i = 1, MANY do
      lease.state.videos["vi" .. i] = {
        from = 1769817600 + i / 8, checked = 0, listed = 1769817600, stream = "li1", is_old = true,
        skipped = { ["a key\31" .. i] = true },
      }
      lease.state.streams["li" .. i] = true
    end
    local saved = tables.copy(lease.state)
    lease:release()
    assert.same(saved, assert(states.acquire(store, 0, "account")).state)
  end)

  it("is a new one if it is damaged, which is logged", function()
    local lines = {}
    apivideo.log { write = function(line) lines[#lines + 1] = line end }
    local token = assert(store:acquire("reconcile:account", 1, 0)).token
    assert(store:save("reconcile:account", token, "{", 0))
    assert.same({ videos = {} }, assert(states.acquire(store, 0, "account")).state)
    assert.equal(1, #lines)
    assert.truthy(lines[1]:find("reconcile: the saved state is damaged, so a new one begins: ", 1, true), lines[1])
  end)
end)
