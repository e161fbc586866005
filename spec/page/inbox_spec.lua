local apivideo = require "apivideo"
local pages = require "spec.support.page"
local stderr = require "spec.support.stderr"
local testing = require "apivideo.testing"

describe("the page's API for the inbox", function()
  local inbox, page, receiver, store, handlers

  before_each(function()
    stderr.catch()
    store = testing.store()
    inbox = apivideo.inbox { store = store }
    page, receiver = pages.new({ write = true }, { inbox = inbox })
    handlers = apivideo.handlers():on("video.*", function(event)
      if event.videoId:find "^vi_bad" then error("no space left on " .. event.videoId, 0) end
    end)
  end)

  after_each(function() stderr.release() end)

  local function get(path) return pages.call(page, "GET", "/api/inbox" .. path) end
  local function post(path) return pages.call(page, "POST", "/api/inbox" .. path) end

  local function put(video_id, fields)
    local all = { videoId = video_id, liveStreamId = "li1" }
    for name, value in pairs(fields or {}) do all[name] = value end
    pages.deliver(receiver, fields and fields.encoding and "video.encoding.quality.completed", all)
  end

  local function drain() assert(testing.drain(inbox, handlers, { max_attempts = 1 })) end

  local function ids(body)
    local list = {}
    for i, entry in ipairs(body.data) do list[i] = entry.id end
    return list
  end

  it("has the numbers of the inbox", function()
    put "vi1"
    put "vi_bad"
    drain()
    put "vi2"
    local body, status = get ""
    assert.equal(200, status)
    assert.same({ 1, 0, 1, 1, false }, { body.waiting, body.claimed, body.dead, body.done, body.paused })
    assert(body.oldest >= 0)
  end)

  it("lists entries, newest first, by state, type, video, webhook and error", function()
    put "vi1"
    put("vi1", { encoding = "mp4", quality = "720p" })
    put "vi_bad"
    drain()
    put "vi2"
    assert.same({ 4, 3, 2, 1 }, ids(get "/entries"))
    assert.same({ 4, 3 }, ids(get "/entries?limit=2"))
    assert.same({ 2, 1 }, ids(get "/entries?limit=2&after=3"))
    for query, expected in pairs {
      ["state=dead"] = { 3 }, ["state=done"] = { 2, 1 }, ["type=video.encoding.*"] = { 2 }, ["video_id=vi2"] = { 4 },
      ["error=no space"] = { 3 }, ["error=no such text"] = {},
      ["webhook_id=webhook_0000000000000000000000"] = { 4, 3, 2, 1 },
      ["state=&type="] = { 4, 3, 2, 1 } } do
      assert.same(expected, ids(get("/entries?" .. query)), query)
    end
    local dead = get("/entries?state=dead").data[1]
    assert.same({ "dead", "video.source.recorded", "vi_bad", 1, "no space left on vi_bad" },
      { dead.state, dead.type, dead.subject, dead.attempt, dead.error })
  end)

  it("rejects invalid parameters", function()
    for _, query in ipairs { "state=x", "id=x", "id=0" } do
      local body, status = get("/entries?" .. query)
      assert.equal(400, status, query)
      assert.matches("the parameter", body.error.message)
    end
    local request = pages.request("GET", "/api/inbox/entries")
    request.query = { type = { "a", "b" } }
    assert.equal(400, (page:receive(request)))
  end)

  it("has the attempts and the bytes of an entry", function()
    put "vi_bad"
    drain()
    local entry = get "/entries/1"
    assert.equal(1, #entry.attempts)
    assert.matches("no space left", entry.attempts[1].error)
    assert(math.abs(entry.attempts[1].at_ms / 1000 - os.time()) < 60)
    assert(entry.attempts[1].seconds >= 0)
    assert.matches('"videoId":"vi_bad"', (get "/entries/1/body"))
    for _, path in ipairs { "/entries/2", "/entries/0", "/entries/99999999999999999999", "/entries/2/body" } do
      assert.equal(404, select(2, get(path)), path)
    end
  end)

  it("has the events of a video in order", function()
    put("vi1", { encoding = "hls", quality = "240p" })
    put "vi2"
    put("vi1", { encoding = "mp4", quality = "720p" })
    local body = get "/videos/vi1"
    assert.same({ 1, 3 }, ids(body))
    assert.same({ "hls 240p", "mp4 720p" }, { body.data[1].detail, body.data[2].detail })
    assert.same({}, ids(get "/videos/vi%2B%26"))
    drain()
    local other = pages.new({}, { inbox = apivideo.inbox { store = store } }) -- has no deliveries in memory
    for _, each in ipairs { page, other } do
      local done = pages.call(each, "GET", "/api/inbox/videos/vi1").data
      assert.same({ "done", "hls 240p", "mp4 720p" }, { done[2].state, done[1].detail, done[2].detail })
    end
  end)

  it("groups dead letters by type and error, the largest group first", function()
    for i = 1, 3 do put("vi_bad", { emittedAt = ("2026-01-01T00:00:0%d.000Z"):format(i), liveStreamId = "li" .. i }) end
    put("vi_bad", { encoding = "mp4", quality = "720p" })
    for i = 1, 2 do put("vi_bad" .. i) end
    put("vi_bad1", { encoding = "mp4", quality = "720p" })
    put("vi_bad1", { encoding = "mp4", quality = "1080p" })
    drain()
    local body = get "/dead"
    local first = body.data[1]
    assert.is_true(body.is_complete)
    assert.same({ "video.encoding.quality.completed", "no space left on vi_bad1", 2 },
      { first.type, first.error, first.count })
    local total = 0
    for _, group in ipairs(body.data) do total = total + group.count end
    assert.equal((get "").dead, total)
  end)

  it("groups and redrives dead letters whose errors end within a character, or are not UTF-8", function()
    local messages = { ("x"):rep(119) .. "\226\130\172 and more", "broken: \255\254 at once" }
    for i, message in ipairs(messages) do
      put("vi" .. i)
      assert(inbox:claim())[1]:dead_letter(message)
    end
    local groups = (get "/dead").data
    assert.equal(2, #groups)
    for _, group in ipairs(groups) do
      assert.is_nil(group.error:find("\239\191\189", 1, true))
      local request = pages.request("POST", "/api/inbox/redrive")
      request.query = { type = group.type, error = group.error }
      local status, _, body = page:receive(request)
      assert.same({ 200, '{"count":1}' }, { status, body })
    end
  end)

  it("groups dead letters without reading their bodies", function()
    put "vi_bad"
    drain()
    local list, seen = store.list, {}
    function store:list(where, options)
      seen[#seen + 1] = options
      return list(self, where, options)
    end
    assert.equal(1, (get "/dead").data[1].count)
    assert.is_true(seen[1].without_raw)
  end)

  it("redrives none if a condition is empty", function()
    put "vi_bad"
    drain()
    for _, query in ipairs { "error=", "type=", "id=", "state=", "type=video.source.recorded&error=" } do
      assert.equal(400, select(2, post("/redrive?" .. query)), query)
    end
    assert.equal(1, (get "").dead)
  end)

  it("redrives one dead letter, some, and all", function()
    for i = 1, 4 do put("vi_bad" .. i) end
    put("vi_bad1", { encoding = "mp4", quality = "720p" })
    drain()
    assert.equal(5, post("/redrive?dry_run=1").count)
    assert.equal(5, (get "").dead)
    assert.equal(1, post("/redrive?id=2").count)
    assert.same({ 5, 4, 3, 1 }, ids(get "/entries?state=dead"))
    assert.equal(1, post("/redrive?type=video.source.recorded&error=no space left on vi_bad3").count)
    assert.equal(3, post("/redrive").count)
    assert.equal(5, (get "").waiting)
    assert.equal(400, select(2, post "/redrive?state=done"))
    assert.equal(400, select(2, post "/redrive?id=x"))
  end)

  it("has the activity of the last hour", function()
    put "vi1"
    put "vi_bad"
    drain()
    local body = get "/activity"
    assert.equal(60, body.step)
    assert.equal(60, #body.data)
    local received, handled, failed, latencies = 0, 0, 0, 0
    for i, step in ipairs(body.data) do
      received, handled, failed = received + step.received, handled + step.handled, failed + step.failed
      latencies = latencies + (step.latency and 1 or 0)
      assert(i == 1 or math.abs(step.at_ms - body.data[i - 1].at_ms - 60000) <= 1)
    end
    assert.same({ 2, 1, 1, 1 }, { received, handled, failed, latencies })
    assert(body.data[60].latency == nil or body.data[60].latency < 60)
  end)

  it("pauses and resumes", function()
    assert.is_true(post("/pause").paused)
    assert.is_true((get "").paused)
    assert.is_false(post("/resume").paused)
    assert.is_false((get "").paused)
  end)

  it("shows paused types, and resumes one", function()
    assert.same({}, (get "").paused_types)
    post "/pause?type=video.summary.generated"
    assert(inbox._store:pause("video.source.recorded", 60, "no database"))
    local shown = (get "").paused_types
    assert.same({ "video.source.recorded", "no database" }, { shown[1].type, shown[1].reason })
    assert.is_true(shown[1].probe_in > 50 and shown[1].probe_in <= 60)
    assert.same({ type = "video.summary.generated" }, shown[2])
    local body, status = post "/resume?type="
    assert.same({ 400, "the parameter type is empty" }, { status, body.error.message })
    post "/resume?type=video.source.recorded"
    assert.equal(1, #(get "").paused_types)
    assert.is_false((get "").paused)
  end)

  it("responds 503 while the store is unavailable", function()
    store:fail()
    for _, path in ipairs { "", "/entries", "/entries/1", "/videos/vi1", "/dead", "/activity" } do
      local body, status = get(path)
      assert.equal(503, status, path)
      assert.equal("store_unavailable", body.error.kind)
    end
    for _, path in ipairs { "/redrive", "/pause", "/resume" } do assert.equal(503, select(2, post(path))) end
  end)

  it("is that of a page without a receiver, too", function()
    page = apivideo.page { inbox = inbox }
    assert.equal(200, select(2, get ""))
    assert.same({ false, true }, { pages.call(page, "GET", "/api/state").receiver,
      pages.call(page, "GET", "/api/state").inbox })
    assert.equal(403, select(2, post "/redrive"))
  end)
end)
