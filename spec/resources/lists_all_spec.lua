-- Lists that are read as a whole.

local listings = require "spec.support.listing"
local misuse = require "spec.support.misuse"
local running = require "spec.support.running"

local listing, serving, videos = listings.of, listings.serving, listings.videos
local number_and_size = listings.number_and_size

describe("lists", function()
  after_each(running.stop)

  describe("are read into a list", function()
    it("of all items, or of the first ones", function()
      local client, p = listing(videos(1, 5))
      for limit, requests in pairs { [1] = 1, [2] = 1, [3] = 2, [5] = 3, [6] = 3, [1000] = 3 } do
        local before = #p.requests
        local list = assert(client.videos:all({ pageSize = 2 }, { limit = limit }))
        assert.equal(math.min(limit, 5), #list)
        for i, video in ipairs(list) do assert.equal("vi" .. i, video.videoId) end
        assert.equal(requests, #p.requests - before)
      end
      assert.equal(5, #assert(client.videos:all()))
      assert.same({}, (listing {}).videos:all())
    end)

    it("or not at all: a failure is returned, without the items before it", function()
      local client = serving(function(request)
        if number_and_size(request) == 2 then return "<html>", "503 Service Unavailable" end
        return { data = videos(1, 2) }
      end)
      local list, err = client.videos:all { pageSize = 2 }
      assert.is_nil(list)
      assert.equal("server_error", err.kind)
      assert.equal(2, #assert(client.videos:all({ pageSize = 2 }, { limit = 2 })))
    end)

    it("with the options of a call, and a limit of at least 1", function()
      local client, p = listing(videos(1, 2))
      assert(client.videos:all({}, { limit = 1, headers = { ["X-Test"] = "yes" } }))
      assert.truthy(p.requests[1].head:find("X-Test: yes", 1, true))
      for _, limit in ipairs { 0, -1, 1.5, "2" } do
        assert.truthy(misuse(function() return (client.videos:all({}, { limit = limit })) end)
          :find('videos:all: option "limit" must be an integer of at least 1', 1, true))
      end
      assert.truthy(misuse(function() return (client.videos:each({}, { limit = 1 })) end)
        :find('videos:each: unknown option "limit"', 1, true))
    end)

    it("for captions as for other collections", function()
      local client = serving(function(request)
        local number = number_and_size(request)
        return { data = number == 1 and { { srclang = "de" }, { srclang = "en" } } or { { srclang = "fr" } } }
      end)
      local seen = {}
      for caption in client.captions:each("vi1", { pageSize = 2 }) do seen[#seen + 1] = caption.srclang end
      assert.equal("de en fr", table.concat(seen, " "))
      local count = 0
      for page in client.captions:pages("vi1", { pageSize = 2 }) do count = count + #page.data end
      assert.equal(3, count)
      assert.equal("fr", assert(client.captions:all("vi1", { pageSize = 2 }))[3].srclang)
      assert.equal(2, #assert(client.captions:all("vi1", nil, { limit = 2 })))
    end)
  end)
end)
