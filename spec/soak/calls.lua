-- Makes calls of each kind under random faults for some time: none may hang, get lost or leak memory. Prints counts;
-- the last line has the total.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local process = require "spec.support.process"
local retry = require "apivideo.transport.retry"
local runtime = require "apivideo.runtime"

local SECONDS = tonumber(arg[1]) or 600
local IN_FLIGHT, ROUND = 50, 500
local CALL_TIMEOUT_S = 20
local GROWTH_MAX_KIB = 1024
retry.policy.base, retry.policy.cap = 0.02, 0.2
math.randomseed(tonumber(arg[2]) or os.time())

local api = process.start { "spec/soak/faulty_api.lua", ("%d"):format(SECONDS + 120) }
local url = api:wait_for("http://%S+")

local clients = {}
for i, auth in ipairs { "basic", "bearer" } do
  clients[i] = apivideo.client {
    api_key = "soak-key", base_url = url, auth = auth, timeout = 1, total_timeout = CALL_TIMEOUT_S, retries = 5,
  }
end

local alive, unknown = {}, 0 -- webhooks that must exist; creations with an unknown outcome
local counts, problems = {}, {}
local function problem(text)
  problems[#problems + 1] = text
end

local function any_alive()
  local id = next(alive)
  if id then alive[id] = nil end
  return id
end

local function create(client, options)
  local webhook, err = client.webhooks:create({
    url = "https://example.com/" .. math.random(1e9), events = { "video.source.recorded" },
  }, options)
  if webhook then alive[webhook.webhookId] = true elseif err.in_doubt then unknown = unknown + 1 end
  return webhook, err
end

local function delete(client, options)
  local id = any_alive()
  if not id then return create(client, options) end
  local ok, err = client.webhooks:delete(id, options)
  if not ok and err.kind == "not_found" then problem("deleted before its deletion: " .. id) end
  return ok, err
end

local kinds = {
  create, create, delete, delete,
  function(client, options) return client.webhooks:list({ pageSize = 10 }, options) end,
  function(client, options) return client.videos:list({ tags = { "a" }, sortBy = "title" }, options) end,
  function(client, options) return client.videos:get(("vi%022d"):format(math.random(250)), options) end,
  function(client, options) return client.videos:status(("vi%022d"):format(math.random(250)), options) end,
  function(client, options) return client.videos:get("viMissing", options) end,
  function(client, options) return client.captions:list(("vi%022d"):format(math.random(250)), nil, options) end,
  function(client, options) return client.summaries:list(nil, options) end,
  function(client, options) return client.live_streams:list(nil, options) end,
  function(client, options)
    local seen = 0
    for _ in client.videos:each({ pageSize = 50 }, options) do seen = seen + 1 end
    if seen ~= 250 then problem("each returned " .. seen .. " of 250 videos") end
    return true
  end,
}

local function one_call()
  local options = {}
  if math.random() < 0.05 then
    options.cancel = apivideo.cancellation()
    runtime.spawn(function()
      runtime.sleep(math.random() * 0.05)
      options.cancel:cancel()
    end)
  end
  local started = runtime.monotonic()
  local result, err = kinds[math.random(#kinds)](clients[math.random(2)], options)
  if runtime.monotonic() - started > CALL_TIMEOUT_S + 5 then problem("a call exceeded its timeout") end
  return result, err
end

-- The memory of the process, and of Lua, in KiB.
local function memory()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("*a"):match("^%d+ (%d+)")
  file:close()
  return tonumber(pages) * 4, collectgarbage("count")
end

local function round()
  local issued = 0
  local results, errs = apivideo.parallel(IN_FLIGHT, function()
    issued = issued + 1
    return issued <= ROUND and issued or nil
  end, one_call)
  for i = 1, ROUND do
    local err = errs and errs[i]
    local kind = err and (errors.is(err) and err.kind or "raised") or results[i] and "done" or "lost"
    if kind == "lost" or kind == "raised" then problem(kind .. ": " .. tostring(err)) end
    counts[kind] = (counts[kind] or 0) + 1
    counts.calls = (counts.calls or 0) + 1
  end
end

-- Compares the account's webhooks with the results of the calls.
local function compare()
  local client = apivideo.client { api_key = "soak-key", base_url = url, timeout = 1, retries = 20 }
  local there, extra = {}, 0
  for webhook in client.webhooks:each() do
    there[webhook.webhookId] = true
    if not alive[webhook.webhookId] then extra = extra + 1 end
  end
  for id in pairs(alive) do
    if not there[id] then problem("created, but missing: " .. id) end
  end
  return extra
end

local deadline, warm = runtime.monotonic() + SECONDS, runtime.monotonic() + SECONDS / 5
local first_rss, first_lua
while runtime.monotonic() < deadline do
  round()
  if not first_rss and runtime.monotonic() >= warm then first_rss, first_lua = memory() end
end
local rss, lua = memory()
print(("memory after a fifth of the time and at the end: %d KiB, %d KiB; of Lua: %d KiB, %d KiB"):format(
  first_rss, rss, math.floor(first_lua), math.floor(lua)))
if rss - first_rss > GROWTH_MAX_KIB then problem("the process grew by " .. rss - first_rss .. " KiB") end
if lua - first_lua > GROWTH_MAX_KIB then problem("Lua grew by " .. lua - first_lua .. " KiB") end
print(("%d webhooks exist that no call returned; %d creations with an unknown outcome, or failed deletions"):format(
  compare(), unknown))
for kind, count in pairs(counts) do print(("%8d %s"):format(count, kind)) end
api:kill "KILL"
api:wait()
for _, text in ipairs(problems) do print("problem: " .. text) end
print(("total: %d passed, %d failed"):format(#problems == 0 and 1 or 0, #problems))
os.exit(#problems == 0 and 0 or 1)
