-- `apivideo inbox` with an inbox in Redis.

local apivideo = require "apivideo"
local cjson = require "cjson"
local file = require "spec.support.file"
local process = require "spec.support.process"
local redis = require "spec.support.redis"

local RECORDED = "video.source.recorded"

describe("command inbox with Redis #process", function()
  local server, path

  before_each(function()
    if redis.missing() then return end
    server, path = redis.start(), os.tmpname()
  end)
  after_each(function()
    if not server then return end
    server:stop()
    os.remove(path)
    server = nil
  end)

  local function run(name, arguments)
    return process.run({ "bin/apivideo", "inbox", name, (table.unpack or unpack)(arguments or {}) },
      ("APIVIDEO_STORE='redis://127.0.0.1:%d/0?name=orders'"):format(server.port))
  end

  it("fails if the server has no inbox of that name, and creates none", function()
    if not server then return pending(redis.missing()) end
    for name, arguments in pairs { list = {}, stats = {}, show = { "1" }, redrive = {}, replay = { "--yes" },
      purge = { "--state", "done", "--yes" }, pause = {}, resume = {}, export = {}, import = { path },
      ui = { "--port", "0" } } do
      local output, status = run(name, arguments)
      assert.equal(1, status, name .. output)
      assert.matches(("apivideo: --store: Redis (127.0.0.1:%d) has no inbox with the name orders in database 0; ")
        :format(server.port), output, 1, true)
      assert.matches(name == "import" and "use --create" or "correct --store, or start a worker", output, 1, true)
    end
    assert.equal("0", server:command "DBSIZE")
  end)

  it("names the remedy if the server does not have the database", function()
    if not server then return pending(redis.missing()) end
    for _, arguments in ipairs { { "inbox", "stats" }, { "doctor" } } do
      local output, status = process.run({ "bin/apivideo", (table.unpack or unpack)(arguments) },
        ("APIVIDEO_STORE=redis://127.0.0.1:%d/99"):format(server.port))
      assert.equal(1, status)
      assert.matches(("Redis (127.0.0.1:%d): ERR DB index is out of range; correct the number of the database\n")
        :format(server.port), output, 1, true)
    end
  end)

  it("works on an inbox whose worker has started, and on one that import has created", function()
    if not server then return pending(redis.missing()) end
    local inbox = apivideo.inbox { store = apivideo.inbox.redis { port = server.port, name = "orders" } }
    assert(inbox:claim())
    inbox:close()
    assert.equal("0 waiting, 0 claimed, 0 dead, 0 done\n", (run "stats"))
    server:command "FLUSHALL"
    local copy = apivideo.inbox { store = apivideo.inbox.memory() }
    local raw = cjson.encode(apivideo.events:sample(RECORDED))
    assert(copy:put { event = assert(apivideo.parse(raw)), raw = raw, verified = true })
    for line in copy:export() do file.write(path, line .. "\n") end
    assert.equal("1 entry imported\n", (run("import", { path, "--create" })))
    assert.equal("1 waiting, 0 claimed, 0 dead, 0 done", (run "stats"):match "^[^;]+")
  end)
end)
