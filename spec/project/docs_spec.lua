-- Runs every Lua example of the documentation, and checks its commands, its links, its indexes, and that every public
-- function has a reference.

local apivideo = require "apivideo"
local docs = require "spec.support.docs"
local emulator = require "apivideo.emulator"
local frameworks = require "spec.support.frameworks"
local memory = require "apivideo.inbox.memory"
local public = require "spec.support.public"
local redis = require "apivideo.inbox.redis"
local server = require "apivideo.server"
local sqlite = require "apivideo.inbox.sqlite"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

local read = docs.read

-- The local api.video of the examples: `apivideo emulate --port 8100`.
local EXAMPLE_URL = "http://127.0.0.1:8100"

-- The commands of shell blocks that are not checked. `spec/emulator/control_spec.lua` runs those of curl, and
-- `spec/project/operations_spec.lua` those of a backup.
local UNCHECKED = { cd = true, chown = true, git = true, sudo = true, curl = true, export = true, cp = true, rm = true,
  sqlite3 = true, systemctl = true, umask = true }

-- Simulates an installation with apt, where it has lists of packages. Files of build/ do not exist here.
local function assert_installable(arguments)
  if arguments:find "%./build/" then return end
  local pipe = io.popen("export LC_ALL=C; apt-cache show nginx > /dev/null 2>&1 || exit 0; apt-get -s " .. arguments
    .. " 2>&1 || echo FAILED")
  local output = pipe:read "*a"
  pipe:close()
  assert.is_nil(output:find("FAILED\n$"), output)
end

local function copy_with(original, changes)
  return setmetatable(changes, { __index = original })
end

-- A copy with changes that has no metatable: the names of options are checked with pairs.
local function changed(options, changes)
  local copy = {}
  for name, value in pairs(options) do copy[name] = value end
  for name, value in pairs(changes) do copy[name] = value end
  return copy
end

-- Fills the account of the examples.
local function fill(local_api)
  local video, stream = "vi4blUQJFrYWbaG44NChkH11", "li400mYKSgQ6xs7taUeSaEap"
  local_api:put_video {
    videoId = video, title = "Evening news", captions = { { srclang = "en" } },
    source = { uri = "/videos/" .. video .. "/source", type = "liveStream",
      liveStream = { liveStreamId = stream } },
  }
  local_api:put_live_stream { liveStreamId = stream, name = "Evening news", broadcasting = true }
  local_api:put_summary { summaryId = "summary_1CGyYoB9XCgBk4iQna8ocT", videoId = video }
end

-- Parses the words of a command, or of several in a pipe, without the first "apivideo".
local function assert_commands(words)
  local command, parser = {}, require("apivideo.cli").parser
  for i, word in ipairs(words) do
    if word == "|" then
      assert.is_true((parser():pparse(command)))
      command = {}
    elseif words[i - 1] == "|" then
      assert.equal("apivideo", word)
    else
      command[#command + 1] = word
    end
  end
  assert.is_true((parser():pparse(command)))
end

describe("documentation", function()
  local local_api, printed, started

  before_each(function()
    local_api = assert(emulator.start { api_key = "docs-key", rate_limits = { reads = 100, writes = 40 } })
    fill(local_api)
    printed, started = {}, { local_api }
  end)

  after_each(function()
    apivideo.tracing(nil)
    for _, other in ipairs(started) do other:stop() end
    testing.clock:reset() -- an example of the testing kit may have moved it
  end)

  -- Wraps a function that starts a server or an emulator: it takes any free port, because the port of the example may
  -- be in use, and is stopped after the example.
  local function until_the_end(start)
    return function(options)
      local other, err = start(changed(options, { port = 0 }))
      started[#started + 1] = other
      return other, err
    end
  end

  -- A client of the local api.video with the other options of the example.
  local function new_client(options)
    local is_elsewhere = type(options) ~= "table" or options.base_url and options.base_url ~= EXAMPLE_URL
    if is_elsewhere then return apivideo.client(options) end
    options = changed(options, { base_url = local_api.url })
    if options.access_token then
      local account = apivideo.client { api_key = "docs-key", base_url = local_api.url }
      local tokens = assert(account:request("POST", "/auth/api-key", { body = { apiKey = "docs-key" } }))
      options.access_token = tokens.access_token
    elseif options.api_key then
      options.api_key = "docs-key"
    end
    return apivideo.client(options)
  end

  -- An inbox; its workers end with the example.
  local function new_inbox(options)
    local inbox = apivideo.inbox(options)
    function inbox:work(handlers, more)
      local cancel = more and more.cancel or apivideo.cancellation()
      started[#started + 1] = { stop = function() cancel:cancel() end }
      return getmetatable(self).work(self, handlers, changed(more or {}, { cancel = cancel }))
    end
    return inbox
  end

  -- A SQLite store in a temporary file.
  local function new_sqlite(options)
    local path = os.tmpname()
    started[#started + 1] = { stop = function()
      for _, ending in ipairs { "", "-wal", "-shm" } do os.remove(path .. ending) end
    end }
    return sqlite(changed(options, { path = path }))
  end

  -- The globals of an example: its client calls the local api.video, its Redis store is in memory, and its server stops
  -- at once.
  local function environment()
    local function new_redis(options) return redis(options) and memory() end
    local stores = { memory = memory, sqlite = new_sqlite, redis = new_redis }
    local inbox = setmetatable(stores, { __call = function(_, options) return new_inbox(options) end })
    local modules = {
      ["apivideo.inbox.sqlite"] = stores.sqlite,
      ["apivideo.inbox.redis"] = stores.redis,
      ["apivideo.emulator"] = copy_with(emulator, { start = until_the_end(emulator.start) }),
      ["apivideo.server"] = copy_with(server, {
        listen = until_the_end(server.listen),
        serve = function(options)
          assert(server.listen(changed(options, { port = 0 }))):stop()
          return true
        end,
      }),
    }
    modules.apivideo = copy_with(apivideo, {
      client = new_client, inbox = inbox, server = modules["apivideo.server"], emulator = modules["apivideo.emulator"],
    })
    local stand_ins = frameworks.new()
    stand_ins.modules.my_webhooks = print -- the first example of docs/guides/frameworks.md
    local function call(_, body) body() end
    return copy_with(_G, {
      core = stand_ins.globals.core,
      describe = call, it = call, after_each = function() end, assert = assert, -- for busted
      require = function(name) return modules[name] or stand_ins.modules[name] or require(name) end,
      os = copy_with(os, {
        getenv = function(name)
          if name == "APIVIDEO_API_KEY" or name == "APIVIDEO_ACCESS_TOKEN" then return "docs-key" end
        end,
      }),
      print = function(...)
        local parts = { ... }
        for i = 1, select("#", ...) do parts[i] = tostring(parts[i]) end
        printed[#printed + 1] = table.concat(parts, "  ")
      end,
    })
  end

  local function run(code, name)
    local fn
    if setfenv then -- luacheck: ignore
      fn = assert(loadstring(code, "=" .. name)) -- luacheck: ignore
      setfenv(fn, environment()) -- luacheck: ignore
    else
      fn = assert(load(code, "=" .. name, "t", environment()))
    end
    fn()
  end

  for _, path in ipairs(docs.files()) do
    for _, block in ipairs(docs.examples(path)) do
      it("runs " .. block.name, function()
        run(block.begin .. block.code, block.name)
        -- `print(…) --> a  b` shows what is printed.
        for expected in block.code:gmatch("%-%->%s*([^\n]-)%s*%f[(\n]") do
          local all = table.concat(printed, "\n")
          assert.truthy(all:find(expected, 1, true), expected .. " in\n" .. all)
        end
      end)
    end

    for _, block in ipairs(docs.blocks(path, "sh")) do
      for line in block.code:gmatch("[^\n]+") do
        local words = {}
        for word in line:gsub("%s+#.*", ""):gsub("%s+>%s+%S+$", ""):gmatch("%S+") do
          words[#words + 1] = word:gsub("^'(.*)'$", "%1")
        end
        it("has a valid command line: " .. line, function()
          local first = table.remove(words, 1)
          if first == "sudo" and (words[1] == "make" or words[1]:find "^tools/") then first = table.remove(words, 1) end
          if first == "apivideo" then
            assert_commands(words)
          elseif first == "make" then
            assert.truthy((read("Makefile") .. read "tools/checks.mk"):find("\n" .. words[1] .. ":", 1, true))
            for spec in line:gmatch "spec/[%w_/]+%.lua" do read(spec) end
          elseif first == "luarocks" then
            read(words[2])
          elseif first == "sudo" and words[1] == "apt-get" then
            assert_installable(line:match "apt%-get (.*)")
          elseif first:find "^tools/" then
            assert.equal("#!", read(first):sub(1, 2))
          elseif not UNCHECKED[first] then
            assert.equal('eval "$(make -s env)"', line)
          end
        end)
      end
    end

    it("links to files and headings that exist: " .. path, function()
      local folder = path:match("^(.*/)") or ""
      for target in read(path):gmatch("%]%(([^)]+)%)") do
        if not target:find("^https?:") then
          local file, anchor = target:match("^([^#]*)#?(.*)$")
          file = file == "" and path or folder .. file
          assert.truthy(anchor == "" and read(file) or docs.anchors(file)[anchor], target)
        end
      end
    end)
  end

  it("lists every page in both indexes, with its title in llms.txt", function()
    local index, llms = read "docs/README.md", read "docs/llms.txt"
    for _, path in ipairs(docs.pages()) do
      if path ~= "docs/README.md" then
        local link = path:match "^docs/(.*)"
        assert.truthy(index:find("](" .. link .. ")", 1, true), path)
        local title = assert(read(path):match "^# ([^\n]+)\n", path .. ": the first line must be its heading")
        assert.truthy(llms:find(("\n- [%s](%s): "):format(title, link), 1, true), path)
      end
    end
  end)

  it("names spec files that exist", function()
    for _, path in ipairs(docs.files()) do
      for spec in read(path):gmatch "`(spec/[%w_/]+%.lua)`" do read(spec) end
    end
  end)

  it("names source files that exist, in the pages for contributors", function()
    local pipe = io.popen "find docs lua spec src tools -type f"
    local files, endings = "\n" .. pipe:read "*a", { lua = true, c = true, h = true, mk = true, md = true }
    pipe:close()
    for _, path in ipairs(docs.pages()) do
      local text = path:find "^docs/contributing/" and read(path) or ""
      for name, ending in text:gmatch "`([%w_/]+%.(%l+))`" do
        local line = name .. "\n" -- the end of a path, such as `http_resend.c`
        local exists = files:find("/" .. line, 1, true) or files:find("\n" .. line, 1, true)
        assert.truthy(exists or not endings[ending], path .. " " .. name)
      end
    end
  end)

  it("has every event type with its fields", function()
    local text = read("docs/guides/events.md")
    for _, name in ipairs(apivideo.events:names()) do
      local row = text:match("| `" .. name:gsub("%p", "%%%0") .. "` |([^\n]*)")
      assert(row, "docs/guides/events.md: the table has no row of the type " .. name)
      for _, field in ipairs(apivideo.events.types[name].required) do
        if field ~= "emittedAt" then assert.truthy(row:find("`" .. field .. "`", 1, true), name .. " " .. field) end
      end
    end
  end)

  it("tells the file and the command of each program in the README", function()
    local text, count = read "README.md", 0
    for from in text:gmatch "()```lua\n" do
      local paragraph = text:sub(1, from - 1):match ".*\n\n(.-)\n\n$" or ""
      local name = paragraph:match "`(%w+%.lua)`"
      assert.truthy(name and paragraph:gsub("\n", " "):find("`lua5.4 " .. name .. "`", 1, true), paragraph)
      count = count + 1
    end
    assert.equal(2, count)
  end)

  it("has a quickstart that runs", function()
    run(read("examples/quickstart.lua"):gsub("apivideo.run%(main%)", "main()"), "quickstart")
  end)

  it("has an example that waits for an upload", function()
    local_api:set_encoding { quality = "240p", interval = 0.01 }
    local code = read("examples/ready.lua"):gsub("arg%[1%]", '"https://example.com/video.mp4"')
    run(code:gsub("apivideo.run%(main%)", "main()"), "ready")
    assert.equal(local_api.url .. "/vod/" .. printed[1]:match "^Waiting for (%w+)%.$" .. "/mp4/source.mp4", printed[2])
  end)

  it("has an example that waits for the recording of a broadcast", function()
    local_api:set_encoding { quality = "240p", interval = 0.01 }
    apivideo.spawn(function()
      wait_for(function() return printed[1] end, "the stream key")
      local account = apivideo.client { api_key = "docs-key", base_url = local_api.url }
      local key = printed[1]:match "^Broadcast to rtmp://broadcast.api.video/s/([%w-]+), "
      local stream = account.live_streams:all({ streamKey = key })[1]
      local_api:start_broadcast(stream.liveStreamId)
      local_api:end_broadcast(stream.liveStreamId)
    end)
    local code = read("examples/live.lua"):gsub("INTERVAL_S = 5", "INTERVAL_S = 0.01")
    run(code:gsub("apivideo.run%(main%)", "main()"), "live")
    local id = printed[2]:match "^Waiting for (%w+)%.$"
    assert.equal(local_api.url .. "/vod/" .. id .. "/hls/manifest.m3u8", printed[3])
  end)

  describe("reference", function()
    local sections = docs.sections()

    it("has every public function and no other", function()
      local missing, unknown = {}, {}
      local names = public.members()
      for name in pairs(names) do
        if not sections[name] then missing[#missing + 1] = name end
      end
      for name in pairs(sections) do
        if not names[name] then unknown[#unknown + 1] = name end
      end
      table.sort(missing)
      table.sort(unknown)
      assert.same({ missing = {}, unknown = {} }, { missing = missing, unknown = unknown })
    end)

    for name, section in pairs(sections) do
      it("has a result, errors and an example for " .. name, function()
        assert.truthy(section.text:find("\n**Result:** ", 1, true), "no **Result:**")
        assert.truthy(section.text:find("\n**Errors:** ", 1, true), "no **Errors:**")
        local examples = section.text:match("```lua\n(.-)```")
        local last = name:match("[%w_]+$")
        assert.truthy(examples and examples:find("[.:]" .. last .. "%f[^%w_]"), "no example with " .. last)
        assert.equal(1, section.count, "headings")
      end)
    end

    it("has every option and every field", function()
      local text, missing = docs.reference(), {}
      for class, fields in pairs(docs.annotated()) do
        for _, field in ipairs(fields) do
          if not text:find("`[%w_.]*%f[%w_]" .. field .. "`") then missing[#missing + 1] = class .. " " .. field end
        end
      end
      table.sort(missing)
      assert.same({}, missing)
    end)
  end)
end)
