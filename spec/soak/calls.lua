-- Calls of every kind under random faults, for some seconds: none may hang, get lost, or leave memory
-- behind. Prints what it counted; its last line is a total.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local process = require "spec.support.process"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

local SECONDS = tonumber(arg[1]) or 600
local IN_FLIGHT, ROUND = 50, 500
local LONGEST = 20       -- seconds for one call
local GROWTH = 1024      -- KiB that memory may grow by
retry.policy.base, retry.policy.cap = 0.02, 0.2
math.randomseed(tonumber(arg[2]) or os.time())

local api = process.start { "spec/soak/faulty_api.lua", ("%d"):format(SECONDS + 120) }
local url = api:wait_for("http://%S+")

local clients = {}
for i, auth in ipairs { "basic", "bearer" } do
  clients[i] = apivideo.client {
    api_key = "soak-key", base_url = url, auth = auth, timeout = 1, total_timeout = LONGEST, retries = 5,
  }
end

local alive, doubtful = {}, 0 -- webhooks that must be there; creations that nobody knows about
local counts, problems = {}, {}
local function problem(text)
  problems[#problems + 1] = text
end

local function any_alive()
  local id = next(alive)
  if id then alive[id] = nil end
  return id
end

local function create(client, given)
  local webhook, err = client.webhooks:create({
    url = "https://example.com/" .. math.random(1e9), events = { "video.source.recorded" },
  }, given)
  if webhook then alive[webhook.webhookId] = true elseif err.in_doubt then doubtful = doubtful + 1 end
  return webhook, err
end

local function delete(client, given)
  local id = any_alive()
  if not id then return create(client, given) end
  local ok, err = client.webhooks:delete(id, given)
  if not ok and err.kind == "not_found" then problem("deleted, but it was gone: " .. id) end
  return ok, err
end

local kinds = {
  create, create, delete, delete,
  function(client, given) return client.webhooks:list({ pageSize = 10 }, given) end,
  function(client, given) return client.videos:list({ tags = { "a" }, sortBy = "title" }, given) end,
  function(client, given) return client.videos:get(("vi%022d"):format(math.random(250)), given) end,
  function(client, given) return client.videos:status(("vi%022d"):format(math.random(250)), given) end,
  function(client, given) return client.videos:get("viMissing", given) end,
  function(client, given) return client.captions:list(("vi%022d"):format(math.random(250)), nil, given) end,
  function(client, given) return client.summaries:list(nil, given) end,
  function(client, given) return client.live_streams:list(nil, given) end,
  function(client, given)
    local seen = 0
    for _ in client.videos:each({ pageSize = 50 }, given) do seen = seen + 1 end
    if seen ~= 250 then problem("each saw " .. seen .. " videos of 250") end
    return true
  end,
}

local function one_call()
  local given = {}
  if math.random() < 0.05 then
    given.cancel = apivideo.cancellation()
    runtime.spawn(function()
      runtime.sleep(math.random() * 0.05)
      given.cancel:cancel()
    end)
  end
  local began = runtime.monotonic()
  local result, err = kinds[math.random(#kinds)](clients[math.random(2)], given)
  if runtime.monotonic() - began > LONGEST + 5 then problem("a call took longer than it may") end
  return result, err
end

-- KiB of the process, and of Lua alone, when nothing is under way.
local function memory()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("*a"):match("^%d+ (%d+)")
  file:close()
  return tonumber(pages) * 4, collectgarbage("count")
end

local function round()
  local given = 0
  local results, errs = apivideo.parallel(IN_FLIGHT, function()
    given = given + 1
    return given <= ROUND and given or nil
  end, one_call)
  for i = 1, ROUND do
    local err = errs and errs[i]
    local kind = err and (errors.is(err) and err.kind or "raised") or results[i] and "done" or "lost"
    if kind == "lost" or kind == "raised" then problem(kind .. ": " .. tostring(err)) end
    counts[kind] = (counts[kind] or 0) + 1
    counts.calls = (counts.calls or 0) + 1
  end
end

-- What the account holds in the end is what the calls said.
local function compare()
  local client = apivideo.client { api_key = "soak-key", base_url = url, timeout = 1, retries = 20 }
  local there, extra = {}, 0
  for webhook in client.webhooks:each() do
    there[webhook.webhookId] = true
    if not alive[webhook.webhookId] then extra = extra + 1 end
  end
  for id in pairs(alive) do
    if not there[id] then problem("created, but it is not there: " .. id) end
  end
  return extra
end

local ends, warm = runtime.monotonic() + SECONDS, runtime.monotonic() + SECONDS / 5
local first_rss, first_lua
while runtime.monotonic() < ends do
  round()
  if not first_rss and runtime.monotonic() >= warm then first_rss, first_lua = memory() end
end
local rss, lua = memory()
print(("%d KiB of memory at a fifth of the time, %d KiB at the end; Lua's: %d KiB, %d KiB"):format(
  first_rss, rss, math.floor(first_lua), math.floor(lua)))
if rss - first_rss > GROWTH then problem("the process grew by " .. rss - first_rss .. " KiB") end
if lua - first_lua > GROWTH then problem("Lua grew by " .. lua - first_lua .. " KiB") end
print(("%d webhooks there that no call returned; %d creations in doubt, or deletions that failed"):format(
  compare(), doubtful))
for kind, count in pairs(counts) do print(("%8d %s"):format(count, kind)) end
api:kill "KILL"
api:wait()
for _, text in ipairs(problems) do print("problem: " .. text) end
print(("total: %d passed, %d failed"):format(#problems == 0 and 1 or 0, #problems))
os.exit(#problems == 0 and 0 or 1)
