-- The emulator's endpoints for the videos, live streams, captions and summaries that a test puts there.

local cjson = require "cjson"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local json = require "apivideo.util.json"
local misuse = require "spec.support.misuse"
local url = require "apivideo.util.url"

describe("emulator, resources", function()
  local local_api

  before_each(function()
    local_api = assert(emulator.start { api_key = "key", rate_limits = { reads = 1000, writes = 1 } })
  end)

  after_each(function() local_api:stop() end)

  -- Sends a GET: status, decoded body, raw body.
  local function get(path, query)
    local response = assert(http.request { method = "GET", username = "key",
      url = local_api.url .. path .. (query and "?" .. query or "") })
    return response.status, cjson.decode(response.body), response.body
  end

  -- The values of a field of the items that a query finds, in order.
  local function found(path, field, query)
    local status, page = get(path, query)
    assert.equal(200, status)
    local list = {}
    for i, item in ipairs(page.data) do list[i] = item[field] end
    return table.concat(list, " ")
  end

  local function body_of(path)
    local status, body = get(path)
    assert.equal(200, status)
    return body
  end

  local function decoded(object)
    return cjson.decode(json.encode(object))
  end

  it("fills in the fields of a video, and returns status and captions only from their endpoints", function()
    local video = local_api:put_video { title = "One" }
    assert.truthy(video.videoId:find("^vi%w+$"))
    assert.equal(24, #video.videoId)
    assert.equal("One", video.title)
    assert.equal("https://embed.api.video/vod/" .. video.videoId, video.assets.player)
    local expected = decoded(video)
    expected.status, expected.captions = nil, nil
    assert.same(expected, body_of("/videos/" .. video.videoId))
    assert.same({ expected }, body_of("/videos").data)
    assert.same(decoded(video.status), body_of("/videos/" .. video.videoId .. "/status"))
    assert.is_true(video.status.encoding.playable)
  end)

  it("keeps nulls, empty lists, unknown fields and numbers beyond 32 bits", function()
    local video = local_api:put_video { videoId = "vi1", description = json.null, tags = {},
      novelty = { deep = { 1, 2 } }, status = { ingest = { filesize = 5368709120, receivedBytes = {} } } }
    local _, _, raw = get("/videos/vi1")
    for _, part in ipairs { '"description":null', '"tags":[]', '"novelty":{"deep":[1,2]}', '"discardedAt":null' } do
      assert.truthy(raw:find(part, 1, true), part)
    end
    _, _, raw = get("/videos/vi1/status")
    assert.truthy(raw:find('"filesize":5368709120', 1, true))
    assert.truthy(raw:find('"receivedBytes":[]', 1, true))
    assert.truthy(raw:find('"playable":true', 1, true))
    assert.equal("uploaded", video.status.ingest.status)
  end)

  it("replaces the video with the same id, and copies its argument and its result", function()
    for _, id in ipairs { "vi1", "vi2" } do local_api:put_video { videoId = id, title = id } end
    local original = { videoId = "vi1", title = "new", metadata = { { key = "k", value = "v" } } }
    local video = local_api:put_video(original)
    original.metadata[1].value, video.metadata[1].key = "another", "another"
    assert.equal("new", found("/videos", "title", "metadata[k]=v"))
    video.title = "not yet"
    video.status.encoding.playable = false
    assert.equal("new vi2", found("/videos", "title"))
    local_api:put_video(video)
    assert.equal("not yet vi2", found("/videos", "title"))
    assert.is_false(body_of("/videos/vi1/status").encoding.playable)
  end)

  it("filters videos", function()
    local_api:put_video { videoId = "a", title = "Maths 1", tags = { "x" }, description = "On numbers",
      metadata = { { key = "Author", value = "Ann" }, { key = "Format", value = "Talk" } } }
    local_api:put_video { videoId = "b", title = "Maths 2", tags = { "x", "y" },
      metadata = { { key = "Author", value = "Ann" } } }
    local_api:put_video { videoId = "c", title = "Art 100%", description = json.null, tags = { "y" },
      source = { type = "liveStream", liveStream = { liveStreamId = "li1", links = {} } } }
    for query, expected in pairs {
      ["title=Maths"] = "a b", ["title=maths"] = "", ["title=%25"] = "c", ["title="] = "a b c",
      ["tags[]=x"] = "a b", ["tags%5B%5D=x&tags%5B%5D=y"] = "b", ["tags[]=y&tags[]=x"] = "b",
      ["tags[]=z"] = "", ["tags[]=x&tags[]=x"] = "a b",
      ["metadata[Author]=Ann"] = "a b", ["metadata%5BAuthor%5D=Ann&metadata[Format]=Talk"] = "a",
      ["metadata[Author]=Bob"] = "", ["metadata[No]=Ann"] = "",
      ["description=numbers"] = "a", ["liveStreamId=li1"] = "c", ["liveStreamId=li"] = "",
      ["title=Maths&tags[]=y"] = "b", ["unknown=1"] = "a b c",
    } do
      assert.equal(expected, found("/videos", "videoId", query), query)
    end
    assert.equal("b", found("/videos", "videoId", url.encode_query { tags = { "x", "y" } }))
    assert.equal("a", found("/videos", "videoId", url.encode_query { metadata = { Format = "Talk" } }))
  end)

  it("sorts videos", function()
    for i, title in ipairs { "b", "c", "a", "b" } do
      local_api:put_video { videoId = tostring(i), title = title, createdAt = ("2024-01-0%d"):format(5 - i),
        updatedAt = "2024", publishedAt = i == 2 and json.null or "2024-02-0" .. i }
    end
    for query, expected in pairs {
      ["sortBy=title"] = "3 1 4 2", ["sortBy=title&sortOrder=asc"] = "3 1 4 2",
      ["sortBy=title&sortOrder=desc"] = "2 4 1 3", ["sortBy=createdAt"] = "4 3 2 1",
      ["sortBy=publishedAt"] = "2 1 3 4", ["sortBy=updatedAt"] = "1 2 3 4", ["sortOrder=desc"] = "4 3 2 1",
      ["sortBy=title&currentPage=2&pageSize=3"] = "2",
    } do
      assert.equal(expected, found("/videos", "videoId", query), query)
    end
  end)

  it("rejects invalid sort orders and filters with the documented problem", function()
    for path, queries in pairs {
      ["/videos"] = { "sortBy=name", "sortOrder=up", "sortBy=", "sortOrder=ASC" },
      ["/live-streams"] = { "sortBy=title", "sortOrder=up" },
      ["/summaries"] = { "sortBy=title", "sortOrder=up", "origin=x", "sourceStatus=x" },
    } do
      for _, query in ipairs(queries) do
        local status, problem = get(path, query)
        assert.equal(400, status, query)
        assert.equal("https://docs.api.video/reference/request-invalid-query-parameter", problem.type)
        assert.equal(query:match("^%w+"), problem.name)
        assert.truthy(problem.detail:find('^Use one of "'))
      end
    end
    for _, path in ipairs { "/videos", "/live-streams", "/summaries" } do
      for _, query in ipairs { "pageSize=101", "currentPage=0", "currentPage=1e300", "pageSize=0x10",
        "currentPage=99999999999999999999", "pageSize=" } do
        assert.equal(400, (get(path, query)), path .. "?" .. query)
      end
    end
  end)

  it("returns live streams", function()
    local stream = local_api:put_live_stream { name = "Stage 1", streamKey = "key-1" }
    assert.truthy(stream.liveStreamId:find("^li%w+$"))
    assert.is_false(stream.broadcasting)
    local_api:put_live_stream { liveStreamId = "li2", name = "Stage 2", broadcasting = true,
      restreams = { { name = "r", serverUrl = "rtmp://x/y", streamKey = "z" } } }
    assert.truthy(local_api:put_live_stream { liveStreamId = "li3", name = "A" }.streamKey
      :find("^%x+%-%x%x%x%x%-4%x%x%x%-a%x%x%x%-%x+$"))
    assert.same(decoded(stream), body_of("/live-streams/" .. stream.liveStreamId))
    local_api:put_live_stream { liveStreamId = "li3", name = "Hall", broadcasting = true }
    assert.is_true(body_of("/live-streams/li3").broadcasting)
    for query, expected in pairs {
      ["name=Stage"] = "Stage 1 Stage 2", ["streamKey=key-1"] = "Stage 1", ["streamKey=key"] = "",
      ["sortBy=name"] = "Hall Stage 1 Stage 2", ["sortBy=name&sortOrder=desc"] = "Stage 2 Stage 1 Hall",
      ["pageSize=1&currentPage=2"] = "Stage 2",
    } do
      assert.equal(expected, found("/live-streams", "name", query), query)
    end
  end)

  it("returns captions", function()
    local_api:put_video { videoId = "vi1", captions = { { srclang = "en" }, { srclang = "sr-Cyrl", default = true } } }
    local status, page = get("/videos/vi1/captions")
    assert.equal(200, status)
    assert.same({ srclang = "en", languageName = "English", default = false,
      uri = "/videos/vi1/captions/en", src = "https://cdn.api.video/vod/vi1/captions/en.vtt" }, page.data[1])
    assert.equal("sr-Cyrl", page.data[2].srclang)
    assert.is_true(page.data[2].default)
    assert.equal("sr-Cyrl", found("/videos/vi1/captions", "srclang", "pageSize=1&currentPage=2"))
    local_api:put_video { videoId = "vi2" }
    assert.equal("", found("/videos/vi2/captions", "srclang"))
  end)

  it("returns the caption of a language", function()
    local_api:put_video { videoId = "vi1", captions = { { srclang = "en" }, { srclang = "fr-CA", default = true } } }
    local status, caption = get "/videos/vi1/captions/fr-CA"
    assert.equal(200, status)
    assert.same(body_of("/videos/vi1/captions").data[2], body_of "/videos/vi1/captions/fr-CA")
    assert.is_true(caption.default)
    for path, name in pairs { ["/videos/vi1/captions/de"] = "language", ["/videos/vi2/captions/en"] = "videoId" } do
      local code, problem = get(path)
      assert.equal(404, code)
      assert.equal(name, problem.name)
    end
    local code, problem = get "/videos/vi1/captions/fr_CA"
    assert.equal(400, code)
    assert.equal("language", problem.name)
    assert.matches("only letters and dashes", problem.detail, 1, true)
  end)

  it("returns the text of a summary", function()
    local source = { abstract = "Cats.", takeaways = { "A cat is neither dead nor alive." } }
    local summary = local_api:put_summary { summaryId = "s1", source = source }
    assert.same(source, summary.source)
    assert.same(source, select(2, get "/summaries/s1/source"))
    assert.is_nil(body_of("/summaries").data[1].source)
    local_api:put_summary { summaryId = "s2" }
    local status, text = get "/summaries/s2/source"
    assert.equal(200, status)
    assert.equal("string", type(text.abstract))
    assert.equal("string", type(text.takeaways[1]))
    local_api:put_summary { summaryId = "s3", sourceStatus = "waiting" }
    for _, id in ipairs { "s3", "none" } do
      local code, problem = get("/summaries/" .. id .. "/source")
      assert.equal(404, code)
      assert.equal("summaryId", problem.name)
    end
  end)

  it("returns summaries", function()
    local summary = local_api:put_summary { videoId = "vi2", origin = "auto" }
    assert.truthy(summary.summaryId:find("^summary_%w+$"))
    summary.source = nil -- it has an endpoint of its own
    local_api:put_summary { summaryId = "s2", videoId = "vi1", sourceStatus = "waiting" }
    assert.same(decoded(summary), body_of("/summaries").data[1])
    for query, expected in pairs {
      [""] = "vi2 vi1", ["videoId=vi1"] = "vi1", ["origin=auto"] = "vi2", ["origin=api"] = "vi1",
      ["sourceStatus=completed"] = "vi2", ["sourceStatus=waiting"] = "vi1", ["sortBy=videoId"] = "vi1 vi2",
      ["sourceStatus=completed&videoId=vi1"] = "",
    } do
      assert.equal(expected, found("/summaries", "videoId", query), query)
    end
    local_api:put_summary { summaryId = "s2", videoId = "vi1", sourceStatus = "completed" }
    assert.equal("vi2 vi1", found("/summaries", "videoId", "sourceStatus=completed"))
  end)

  it("responds 404 for an unknown id, and names the parameter", function()
    for path, name in pairs { ["/videos/x"] = "videoId", ["/videos/x/status"] = "videoId",
      ["/videos/x/captions"] = "videoId", ["/live-streams/x"] = "liveStreamId", ["/webhooks/x"] = "webhookId" } do
      local status, problem = get(path)
      assert.equal(404, status)
      assert.equal(name, problem.name)
    end
    local _, problem = get("/summaries/x")
    assert.equal("https://docs.api.video/reference/unrecognized-request-url", problem.type)
  end)

  it("links pages as api.video does: with an absolute URL or with a path", function()
    for path, prefix in pairs { ["/videos"] = local_api.url, ["/summaries"] = local_api.url,
      ["/live-streams"] = "", ["/webhooks"] = local_api.url } do
      local _, page = get(path)
      assert.equal(prefix .. path .. "?currentPage=1&pageSize=25", page.pagination.links[1].uri)
    end
  end)

  it("raises an error that names the invalid argument", function()
    for _, case in ipairs { { "put_video", nil, "table of fields" }, { "put_video", { videoId = 5 }, "videoId" },
      { "put_video", { tags = "x" }, "tags" }, { "put_video", { status = true }, "status" },
      { "put_live_stream", "x", "table" }, { "put_live_stream", { restreams = 1 }, "restreams" },
      { "put_summary", { videoId = false }, "videoId" }, { "put_summary", { source = "text" }, "source" } } do
      local message = misuse(function() local_api[case[1]](local_api, case[2]) end)
      assert.truthy(message:find("emulator:" .. case[1], 1, true), message)
      assert.truthy(message:find(case[3], 1, true), message)
    end
  end)
end)
