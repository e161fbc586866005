--- The loops for which bench/smoke counts instructions: bench/smoke.lua COUNT DIRECTORY HTTP_SERVER
---
--- Each path has a reference without our code, so that the ratio depends little on the Lua, the compiler, SQLite and the
--- libc. callgrind writes a dump at each call of is_terminal, which separates the loops: no path calls it. Prints
--- the paths in the order of the dumps. Writes databases to the directory.

local jit = rawget(_G, "jit")
if jit then jit.off() end -- JIT compilation is not deterministic

local apivideo = require "apivideo"
local cjson = require "cjson.safe"
local command = require "apivideo.cli.core"
local core = require "apivideo.core"
local dbi = require "DBI"
local new_program = require "bench.program"

apivideo.log { level = "error" } -- each inbox is new

local COUNT, directory, server_program = tonumber(arg[1]), arg[2], arg[3]
local SECRET = "sig_sec_0000000000000000000000"

local texts = {}
for i, name in ipairs(apivideo.events:names()) do texts[i] = assert(cjson.encode(apivideo.events:sample(name))) end
local parse = core.event.compile(apivideo.events.types)

local body = ("x"):rep(200)
local hex, verify = core.signature.sign(body, SECRET), core.signature.verify

local event = apivideo.events:sample "video.summary.generated"
local function ignore() end
local handlers = apivideo.handlers():on("video.summary.*", ignore)
for _ = 1, 10000 do handlers:on("live-stream.*", ignore) end

local captions = 0

-- A signed delivery of a new event. They are created before the loops.
local function new_delivery()
  captions = captions + 1
  local caption = apivideo.events:sample "video.caption.generated"
  caption.captionId = ("caption%05d"):format(captions)
  local raw = assert(cjson.encode(caption))
  return { method = "POST", body = raw, headers = {
    ["X-Api-Video-WebhookID"] = "webhook_1", ["X-Api-Video-Signature"] = core.signature.sign(raw, SECRET) } }
end

local deliveries = {}
for i = 1, 2 * COUNT do deliveries[i] = new_delivery() end

local receiver = apivideo.receiver { secrets = SECRET, handlers = apivideo.handlers():otherwise(ignore) }
local first = deliveries[1]

local inbox, durable
local put_count = 0

-- Opens the inbox for a round. Its log is empty then, and no checkpoint of SQLite occurs in a loop of the round. With a
-- thread, its instructions could be those of another loop.
local function open_inbox()
  if inbox then inbox:close() end
  inbox = apivideo.inbox { store = apivideo.inbox.sqlite { path = directory .. "/inbox.db", thread = false } }
  durable = apivideo.receiver { secrets = SECRET, inbox = inbox }
  assert(inbox:stats())
end

local function put()
  put_count = put_count + 1
  assert(durable:receive(deliveries[put_count]) == 204)
end

local function claim_and_complete()
  assert(assert(inbox:claim())[1]:complete())
end

-- The reference of the inbox: a transaction with one INSERT.
local database = assert(dbi.Connect("SQLite3", directory .. "/reference.db"))
database:autocommit(false)
local function execute(sql, ...)
  local statement = assert(database:prepare(sql))
  assert(statement:execute(...))
  statement:close()
end
execute "CREATE TABLE events (id INTEGER PRIMARY KEY, raw TEXT)"
assert(database:commit())

local function insert()
  execute("INSERT INTO events (raw) VALUES (?)", first.body)
  assert(database:commit())
end

local server = new_program(server_program)
local client = apivideo.client { api_key = "k", base_url = server.url, rate_limit = false }

local function each_text(fn)
  return function()
    for i = 1, #texts do fn(texts[i]) end
  end
end

local paths = {
  { "parse", each_text(parse) },
  { "parse:reference", each_text(cjson.decode) },
  { "verify", function() return verify(body, hex, SECRET) end },
  { "verify:reference", function() return #hex end }, -- the rest of the reference is bench/signature.c
  { "dispatch", function() return handlers:dispatch(event) end },
  { "dispatch:reference", function() return pcall(ignore, event) end },
  { "receive", function() return receiver:receive(first) end },
  { "receive:reference", function() return verify(first.body, hex, SECRET), parse(first.body) end },
  { "put", put },
  { "claim", claim_and_complete },
  { "insert", insert },
  { "call", function() return assert(client:request("GET", "/")) end }, -- its reference is bench/http_loop.c
}

-- Two rounds: the first one includes initialization.
for round = 1, 2 do
  open_inbox()
  for _, path in ipairs(paths) do
    local fn = path[2]
    collectgarbage()
    collectgarbage "stop"
    command.is_terminal(0)
    for _ = 1, COUNT do fn() end
    command.is_terminal(0)
    collectgarbage "restart"
    if round == 2 then print(path[1]) end
  end
end

server.stop()
