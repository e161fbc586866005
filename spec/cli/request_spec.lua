local commands = require "spec.support.commands"
local process = require "spec.support.process"
local running = require "spec.support.running"

describe("command request #process", function()
  before_each(commands.start)
  after_each(running.stop)

  it("prints the body as indented JSON, sorted by name", function()
    commands.api:put_video { videoId = "vi1", title = "a/b", tags = {}, metadata = { { key = "k", value = "v" } } }
    local output, status = commands.run "request GET /videos/vi1"
    assert.equal(0, status, output)
    assert.matches('^{\n  "assets": {\n    "hls": "http://', output)
    assert.matches('\n  "deletesAt": null,\n', output, 1, true)
    assert.matches('\n  "metadata": [\n    {\n      "key": "k",\n      "value": "v"\n    }\n  ],\n', output, 1, true)
    assert.matches('\n  "tags": [],\n  "title": "a/b",\n', output, 1, true)
    assert.matches('\n  "videoId": "vi1"\n}\n$', output)
  end)

  it("prints one line with --json, and the bytes with --raw", function()
    local body = '{ "b" : 1,"a":"\\/\\u001b" }\n'
    commands.api = running.responding("200 OK", "Content-Type: application/json\r\n", body)
    assert.equal('{"a":"/\\u001b","b":1}\n', (commands.run "request GET /x --json"))
    assert.equal(body, (commands.run "request GET /x --raw"))
  end)

  it("sends a query from the path and from --query", function()
    for i = 1, 3 do
      commands.api:put_video { videoId = "vi" .. i, title = "t" .. i, tags = i > 1 and { "a b", "c" } or { "c" },
        metadata = { { key = "k", value = tostring(i) } } }
    end
    for _, case in ipairs {
      { "vi1", "request get /videos?title=t1" },
      { "vi2 vi3", "request GET /videos?tags[]=c", "--query", "tags[]=a b" },
      { "vi3", "request GET /videos", "--query", "metadata[k]=3" },
      { "vi2", "request GET /videos?pageSize=1&currentPage=2&sortBy=title", "--query", "sortOrder=asc" },
    } do
      local output, status = commands.run(case[2], "--json", case[3], case[4])
      assert.equal(0, status, output)
      local ids = {}
      for i, video in ipairs(commands.records(output)[1].data) do ids[i] = video.videoId end
      assert.equal(case[1], table.concat(ids, " "))
    end
  end)

  it("sends a body from the arguments, a file, and standard input", function()
    local path = commands.file '{"title":"of a file"}'
    commands.run("request POST /videos", "--data", '{"title":"of the arguments"}')
    local output, status = commands.run("request POST /videos", "--data", "@" .. path)
    assert.equal(0, status, output)
    local with_input = { "bin/apivideo", "request", "POST", "/videos", "--data", "-", "--api-key", "key", "--base-url",
      commands.api.url }
    process.run { "-e", ("os.execute(%q)"):format("cat " .. path .. " | " .. process.command(with_input)) }
    local bodies = {}
    for i, request in ipairs(commands.api.requests) do bodies[i] = request.body end
    assert.same({ '{"title":"of the arguments"}', '{"title":"of a file"}', '{"title":"of a file"}' }, bodies)
  end)

  it("says that a response has no body", function()
    commands.run("request POST /webhooks", "--data",
      '{"url":"https://example.com/","events":["video.source.recorded"]}')
    local id = commands.records((commands.run "request GET /webhooks --json"))[1].data[1].webhookId
    local output, status = commands.run("request DELETE /webhooks/" .. id)
    assert.equal(0, status)
    assert.equal("204, without a body\n", output)
  end)

  it("fails with the problem in words", function()
    local output, status = commands.run "request GET /videos/vi0"
    assert.equal(1, status)
    assert.matches("^apivideo: api.video: not_found %(404%): videoId: The requested resource was not found. %[GET http",
      output)
    output, status = commands.run("request POST /webhooks", "--json", "--data", "{}")
    assert.equal(1, status)
    assert.equal(400, commands.records((output:match "^[^\n]+"))[1].status)
    assert.matches("\napivideo: api.video: invalid_request (400): events: This attribute is required.", output, 1, true)
    commands.api:fault { status = 503, body = "<html>", times = math.huge }
    output, status = commands.run("request POST /videos", "--raw", "--data", "{}")
    assert.equal(1, status)
    assert.matches("<html>", output, 1, true)
    assert.matches("the response body is not JSON", output, 1, true)
  end)

  it("fails if the body is not JSON", function()
    commands.api = running.responding("200 OK", "Content-Type: text/vtt\r\n", "WEBVTT\n")
    local output, status = commands.run "request GET /videos/vi1/captions/en.vtt"
    assert.equal(1, status)
    assert.matches("apivideo: the response body is not JSON (text/vtt, ", output, 1, true)
    assert.matches("; print it with --raw\n", output, 1, true)
    output, status = commands.run "request GET /videos/vi1/captions/en.vtt --raw"
    assert.equal(0, status)
    assert.equal("WEBVTT\n", output)
  end)

  it("does not repeat a request that may have been processed, and reports others", function()
    commands.api:fault { on = "POST /videos", status = 503, times = math.huge }
    local output, status = commands.run("request POST /videos", "--data", "{}")
    assert.equal(1, status)
    assert.matches("The outcome is unknown: it may have been processed.\n$", output)
    assert.equal(1, #commands.api.requests)
    commands.api:clear_faults()
    commands.api:fault { on = "POST /videos", rate_limited = { seconds = 0 } }
    output, status = commands.run("request POST /videos", "--data", '{"title":"x"}', "--json")
    assert.equal(0, status, output)
    assert.matches("^apivideo: warning: attempt 2 of POST http://[%d.:]+/videos, after: 429\n{", output)
  end)

  it("rejects wrong arguments", function()
    local path = commands.file "x"
    for _, case in ipairs {
      { "<path> must begin with / and have no host, got 'videos'; write, for example: apivideo request GET /videos",
        "request GET videos" },
      { "<path> must begin with /", "request GET https://ws.api.video/videos" },
      { "<method> must be such as GET, got '/videos'", "request /videos GET" },
      { "missing argument 'path'", "request GET" },
      { "--query must have the form name=value, got 'x'", "request GET /videos --query x" },
      { "the parameter title has two values; a list is title[]=", "request GET /videos?title=a --query title=b" },
      { "--data needs a method with a body, such as POST", "request GET /videos --data {}" },
      { "--data must be JSON: ", "request POST /videos --data {" },
      { "--data must be JSON: ", "request POST /videos --data @" .. path },
      { "--data: /nonexistent: No such file", "request POST /videos --data @/nonexistent" },
    } do
      local output, status = commands.run(case[2])
      assert.equal(2, status, output)
      assert.matches(case[1], output, 1, true)
      assert.matches("See: apivideo request --help\n", output, 1, true)
    end
    assert.equal(0, #commands.api.requests)
  end)
end)
