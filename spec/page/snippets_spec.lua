local apivideo = require "apivideo"
local file = require "spec.support.file"
local pages = require "spec.support.page"
local stderr = require "spec.support.stderr"

-- Bash prints the arguments of curl, and what it gets from its standard input, each with a NUL at its end.
local SHOW = [[curl() {
  printf '%s\0' "$@"
  case " $* " in *" --data-binary @- "*) cat ;; esac
}
]]

local function bash(script)
  local path = os.tmpname()
  file.write(path, SHOW .. script)
  os.execute(("bash %s > %s.out 2>&1"):format(path, path))
  local output = file.read(path .. ".out")
  os.remove(path)
  os.remove(path .. ".out")
  return output
end

local function arguments_of(output)
  local list, from = {}, 1
  while true do
    local at = output:find("\0", from, true)
    if not at then return list, output:sub(from) end
    list[#list + 1], from = output:sub(from, at - 1), at + 1
  end
end

describe("a snippet of a delivery", function()
  before_each(function() stderr.catch() end)
  after_each(function() stderr.release() end)

  it("is a command line of curl that sends the same bytes", function()
    local page, receiver = pages.new { forward_to = "http://127.0.0.1:8080/it's?a=1&b=$HOME" }
    local bodies = {
      '{"type":"x"}', "it's `id` $(id) \\ \"q\" !x %s", "@/etc/passwd", "", "line\nline",
      "\27[201~\r\n; id\n", "\226\130\172 \194\155",
      "\255\254", ("'"):rep(50), "-x", "a\\'b", "\n!!\n'!x'", ("'"):rep(100000),
    }
    for i, body in ipairs(bodies) do
      receiver:receive { method = "POST", body = body, headers = { Host = "x", Cookie = "c",
        ["Content-Type"] = "application/json", ["X-Api-Video-Signature"] = "it's; $(id)" } }
      local script = pages.call(page, "GET", ("/api/deliveries/%d/curl"):format(i))
      assert.is_nil(script:gsub("\n", ""):find "[^\32-\126\128-\255]")
      assert.same({ "-i", "-X", "POST", "http://127.0.0.1:8080/it's?a=1&b=$HOME",
        "-H", "Content-Type: application/json", "-H", "X-Api-Video-Signature: it's; $(id)", "--data-raw", body },
        (arguments_of(bash(script))))
    end
  end)

  it("sends through a pipe what no argument of a program can be", function()
    local page, receiver = pages.new()
    for i, body in ipairs { "a\0b'%d\\n\255", ("%"):rep(150000) } do
      receiver:receive { method = "POST", body = body, headers = { ["Content-Type"] = "text/plain" } }
      local output = bash((pages.call(page, "GET", ("/api/deliveries/%d/curl"):format(i))))
      assert.equal("-i\0-X\0POST\0http://127.0.0.1:8080/\0-H\0Content-Type: text/plain\0--data-binary\0@-\0" .. body,
        output)
    end
  end)

  it("sends headers without a value, and adds no Content-Type", function()
    local page, receiver = pages.new()
    receiver:receive { method = "POST", body = "", headers = { ["X-Api-Video-WebhookID"] = "" } }
    assert.same({ "-i", "-X", "POST", "http://127.0.0.1:8080/", "-H", "X-Api-Video-WebhookID;", "-H", "Content-Type:",
      "--data-raw", "" }, (arguments_of(bash((pages.call(page, "GET", "/api/deliveries/1/curl"))))))
  end)

  it("shows no password of the URL to which deliveries are forwarded", function()
    local page, receiver = pages.new { forward_to = "http://user:canary@127.0.0.1:8080/" }
    pages.deliver(receiver)
    assert.matches("'http://127.0.0.1:8080/'", (pages.call(page, "GET", "/api/deliveries/1/curl")))
    assert.equal("http://127.0.0.1:8080/", pages.call(page, "GET", "/api/state").forward_to)
  end)

  it("is a spec that sends the event", function()
    local page, receiver = pages.new()
    pages.deliver(receiver, "video.encoding.quality.completed", { videoId = 'vi"]]\n\226\130\172', encoding = "mp4",
      quality = "720p" })
    pages.deliver(receiver, "some.new.type", { type = "some.new.type", emittedAt = "2026-01-01T00:00:00Z",
      list = apivideo.array {}, nothing = apivideo.null, ["end"] = { ["a b"] = { 1, -2.5, true } } })
    local count = 0
    for id = 1, 2 do
      local text = pages.call(page, "GET", ("/api/deliveries/%d/spec"):format(id))
      local function run(_, fn) fn() end
      local function count_and_run(_, fn)
        fn()
        count = count + 1
      end
      local environment = setmetatable({ describe = run, it = count_and_run, assert = assert }, { __index = _G })
      local chunk = assert((loadstring or load)(text, "=spec", "t", environment)) -- luacheck: ignore 113
      if setfenv then setfenv(chunk, environment) end -- luacheck: ignore 113
      chunk()
      assert.is_nil(text:find("webhookId", 1, true))
    end
    assert.equal(2, count)
  end)

  it("is not a spec if the body is not an event", function()
    local page, receiver = pages.new()
    for i, body in ipairs { "x", "[]", "{}", '{"type":5}', "" } do
      receiver:receive { method = "POST", body = body, headers = {} }
      assert.equal(409, select(2, pages.call(page, "GET", ("/api/deliveries/%d/spec"):format(i))))
    end
  end)
end)
