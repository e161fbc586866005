-- Several clients of one account create, synchronize, rotate, prune and delete at the same time, lose responses and
-- crash, in random orders: a wanted definition that has a webhook is never left without one.
-- A failure names the seed and the fewest commands that lead to it. SEED=7 RUNS=10000 tries others.

local apivideo = require "apivideo"
local errors = require "apivideo.error"
local minimize = require "spec.model.minimize"
local new_account = require "spec.model.account"
local random = require "spec.model.random"
local scheduler = require "spec.model.scheduler"
local webhook = require "apivideo.resources.webhooks.definition"

local unpack = table.unpack or unpack

local SEED, RUNS = tonumber(os.getenv "SEED") or 1, tonumber(os.getenv "RUNS") or 150
local COMMANDS = 300

local RECORDED, QUALITY = "video.source.recorded", "video.encoding.quality.completed"
local CAPTION = "video.caption.generated"
local MINE = "https://example.com/"

local wanted = {
  { url = MINE .. "a", events = { RECORDED } }, { url = MINE .. "a", events = { QUALITY } },
  { url = MINE, events = { RECORDED, QUALITY } },
}
local others = {
  { url = MINE .. "a", events = { CAPTION } }, { url = MINE .. "old", events = { RECORDED } },
  { url = "https://EXAMPLE.com:443", events = { QUALITY, RECORDED } }, -- as wanted, written in another way
}
local external = { url = "https://elsewhere.example/", events = { RECORDED } }

local is_wanted = {}
for _, item in ipairs(wanted) do is_wanted[webhook.key(item)] = true end

local function is_mine(item) return item.url ~= external.url end

-- The clients: the first two operations are tasks of one process.
local PROCESSES = { 1, 1, 2, 3 }

local function new_client()
  return apivideo.client { api_key = "key", base_url = "http://model", rate_limit = false }
end

-- The webhooks that can be deleted safely: those that are not wanted, and equal ones that are not the newest.
local function deletable(account)
  local list = {}
  for _, item in ipairs(account:webhooks()) do
    local goes = is_mine(item) and not is_wanted[webhook.key(item)]
    for _, other in ipairs(account:webhooks()) do
      goes = goes or is_mine(item) and webhook.equal(item, other) and webhook.is_newer(other, item)
    end
    if goes then list[#list + 1] = item end
  end
  return list
end

local function pick(list, n) return #list > 0 and list[n % #list + 1] or nil end

local OVERLAPS = { 0, 3, 15 }

-- The operation for `n`; nil when it has no object.
local function operation_of(world, actor, n)
  local hooks, kind, m = world.clients[actor.process].webhooks, n % 8, math.floor(n / 8)
  local overlap = OVERLAPS[m % 3 + 1]
  if kind <= 2 then
    local prune = kind == 0 or nil
    return function() return hooks:sync(wanted, { overlap = overlap, prune = prune, owned_by = is_mine }) end, "sync"
  elseif kind <= 4 then
    local own = world.account.emulator.webhooks:select(is_mine)
    local item = pick(own, m)
    return item and function() return hooks:rotate(item.webhookId, { overlap = overlap }) end, "rotate"
  elseif kind <= 6 then
    local item = pick(m % 2 == 0 and wanted or others, math.floor(m / 2))
    return function() return hooks:create { url = item.url, events = item.events } end, "create"
  end
  local item = pick(deletable(world.account), m)
  return item and function() return hooks:delete(item.webhookId) end, "delete"
end

-- Raises when a wanted definition has lost its last webhook, or an external one was deleted.
local function check(world)
  if world.checked == world.account.count then return end
  world.checked = world.account.count
  local has = {}
  for _, item in ipairs(world.account:webhooks()) do has[webhook.key(item)] = true end
  for _, item in ipairs(wanted) do
    local key = webhook.key(item)
    if world.had[key] and not has[key] then error("no webhook is left for " .. webhook.describe(item), 0) end
    world.had[key] = has[key]
  end
  if not world.account.emulator.webhooks:find "webhook_external" then error("the external webhook was deleted", 0) end
end

local function finished(what)
  return function(result, err)
    if result == nil and not errors.is(err) then error(what .. " returned nil without an error", 0) end
  end
end

local commands = {
  start = function(world, actor, n)
    local operation, what = operation_of(world, actor, n)
    if operation and not actor.co then scheduler.start(actor, operation, finished(what)) end
  end,
  step = function(world, actor, n) scheduler.step(world.account, actor, n) end,
  crash = function(world, actor, n)
    for _, other in ipairs(world.actors) do
      if other.process == actor.process then scheduler.crash(world.account, other, n) end
    end
    world.clients[actor.process] = new_client()
  end,
  arrive = function(world, _, n)
    local late = world.account.late
    if #late > 0 then world.account:handle(table.remove(late, n % #late + 1), 0) end
  end,
  pass = function(world, _, n) world.account.now = world.account.now + n % 40 / 2 end,
}

-- An operation without interference; returns its results.
local function undisturbed(world, operation)
  local actor, results = {}, nil
  scheduler.start(actor, operation, function(...) results = { ... } end)
  for _ = 1, 1000 do
    if not actor.co then return results end
    scheduler.step(world.account, actor)
    check(world)
  end
  error("an operation does not end", 0)
end

-- Completes all operations; then one sync makes the account match, and another changes nothing.
local function settle(world)
  local account = world.account
  while #account.late > 0 do
    commands.arrive(world, nil, 0)
    check(world)
  end
  for _ = 1, 1000 do
    for _, actor in ipairs(world.actors) do
      scheduler.step(account, actor)
      check(world)
    end
  end
  for _, actor in ipairs(world.actors) do assert(not actor.co, "an operation does not end") end
  account.now = account.now + 3600
  local hooks = new_client().webhooks
  local function sync() return hooks:sync(wanted, { prune = true, owned_by = is_mine }) end
  local plan, err = unpack(undisturbed(world, sync), 1, 2)
  if not plan then
    local is_full = err.kind == "invalid_request" and err.attempts == 0
    for _, item in ipairs(wanted) do is_full = is_full and not world.had[webhook.key(item)] end
    assert(is_full, tostring(err))
    return
  end
  assert(#account:webhooks() == #wanted + 1, "a sync leaves webhooks that are not wanted")
  plan = assert(undisturbed(world, sync)[1])
  assert(#plan.create + #plan.delete == 0, "another sync changes something")
end

local function execute(list)
  local world = { account = new_account(), actors = {}, clients = {}, had = {} }
  for i, process in ipairs(PROCESSES) do
    world.actors[i] = { process = process }
    world.clients[process] = new_client()
  end
  world.account:put("webhook_external", external)
  scheduler.on(world.account, function()
    for _, command in ipairs(list) do
      commands[command.kind](world, world.actors[command.actor], command.n)
      check(world)
    end
    settle(world)
  end)
end

local KINDS = { "start", "start", "crash", "arrive", "pass" }
for _ = 1, 20 do KINDS[#KINDS + 1] = "step" end

local function generate(seed)
  local next_number, list = random(seed), {}
  for i = 1, COMMANDS do
    list[i] = { kind = KINDS[next_number(#KINDS)], actor = next_number(#PROCESSES), n = next_number(2 ^ 20) }
  end
  return list
end

-- The problem to which a list of commands leads, or nil.
local function problem_of(list)
  local ok, problem = pcall(execute, list)
  return not ok and tostring(problem) or nil
end

local function text_of(list)
  local lines = {}
  for i, command in ipairs(list) do lines[i] = ("%s(%d, %d)"):format(command.kind, command.actor, command.n) end
  return table.concat(lines, " ")
end

-- Runs random commands; nil, or the first problem, its seed and the fewest commands that lead to it.
local function search(first, runs)
  for seed = first, first + runs - 1 do
    local list = generate(seed)
    if problem_of(list) then
      list = minimize(list, function(shorter) return problem_of(shorter) ~= nil end)
      return ("%s (seed %d): %s"):format(problem_of(list), seed, text_of(list)), list
    end
  end
end

describe("several clients of one account", function()
  it("never leave a wanted definition without a webhook", function()
    assert.is_nil((search(SEED, RUNS)))
  end)

  it("are detected when they delete equal webhooks without an order", function()
    local is_newer = webhook.is_newer
    finally(function() webhook.is_newer = is_newer end)
    function webhook.is_newer(a, b) return a.webhookId ~= b.webhookId end
    local problem, list = search(SEED, RUNS)
    assert.truthy(problem:find("no webhook is left for https://example.com/", 1, true), problem)
    assert.is_true(#list < 25, problem)
  end)
end)
