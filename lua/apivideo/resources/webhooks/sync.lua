--- Desired state: makes the webhooks of an account match a list.

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local http_date = require "apivideo.util.http_date"
local log = require "apivideo.runtime.log"
local objects = require "apivideo.resources.objects"
local protected = require "apivideo.util.pcall"
local webhook = require "apivideo.resources.webhooks.definition"

local DEFAULT_LIMIT = 10 -- of an account's webhooks, as documented

---@class apivideo.SyncPlan tostring(plan) has a line for each step
---@field create { url: string, events: string[] }[]
---@field delete apivideo.Webhook[]
---@field keep apivideo.Webhook[] the wanted webhooks that exist, also several equal ones
---@field others apivideo.Webhook[] the webhooks that are not wanted and stay
---@field created? apivideo.Webhook[] the webhooks that this run created
local Plan = {}
Plan.__index = Plan
Plan.__name = "apivideo.SyncPlan"

function Plan:__tostring()
  local lines = {}
  local function add(step, item)
    lines[#lines + 1] = step .. (item.webhookId and item.webhookId .. " " or "") .. webhook.describe(item)
  end
  for _, item in ipairs(self.create) do add("create ", item) end
  for _, item in ipairs(self.delete) do add("delete ", item) end
  for _, item in ipairs(self.keep) do add("keep   ", item) end
  return #lines > 0 and table.concat(lines, "\n") or "nothing to do"
end

-- The existing webhooks by definition.
local function group(existing)
  local groups = {}
  for _, item in ipairs(existing) do
    local key = webhook.key(item)
    groups[key] = groups[key] or {}
    table.insert(groups[key], item)
  end
  return groups
end

-- Whether a newer equal webhook has delivered for the whole overlap. Another client may be rotating this webhook: it
-- stays at least as long as deliveries with its secret may be in progress. (Where `createdAt` is missing, nothing is
-- superseded.)
local function is_superseded(item, equals, now, overlap)
  for _, other in ipairs(equals) do
    -- Not below 0: the clock of the Date header may be behind that of `createdAt`.
    if webhook.is_newer(other, item) and math.max(0, now - webhook.created_at(other)) >= overlap then return true end
  end
  return false
end

-- The plan, and the number of superseded webhooks, which are the first in `plan.delete`: they may be deleted before
-- anything is created, so that they do not count for the account's limit.
local function new_plan(existing, now, wanted, options)
  local plan = setmetatable({ create = {}, delete = {}, keep = {}, others = {} }, Plan)
  local urls, keys, groups, replaced = {}, {}, group(existing), {}
  for _, item in ipairs(wanted) do
    urls[webhook.normalize_url(item.url)], keys[webhook.key(item)] = true, true
  end
  local function is_owned(item) return not options.owned_by or options.owned_by(item) end
  for _, item in ipairs(existing) do
    local key, has_url = webhook.key(item), urls[webhook.normalize_url(item.url)]
    if keys[key] then
      local is_deleted = is_superseded(item, groups[key], now, options.overlap or webhook.OVERLAP_S) and is_owned(item)
      table.insert(is_deleted and plan.delete or plan.keep, item)
    elseif (options.prune or has_url) and is_owned(item) then
      replaced[#replaced + 1] = item
    else
      table.insert(plan.others, item)
    end
  end
  local superseded = #plan.delete
  for _, item in ipairs(replaced) do table.insert(plan.delete, item) end
  for _, item in ipairs(wanted) do
    if not groups[webhook.key(item)] then table.insert(plan.create, item) end
  end
  return plan, superseded
end

-- All webhooks, and the current time by api.video's clock: the date of the response, or otherwise of the newest
-- webhook.
local function list_all(webhooks, limits)
  local all, next_webhook, now, newest = {}, webhooks:each(nil, limits), nil, 0
  while true do
    local ok, item, response = protected.call(next_webhook)
    if not ok then return nil, item end
    if not item then return all, now or newest end
    if type(item.webhookId) ~= "string" then
      return nil, objects.unexpected(webhooks._client, "GET", "/webhooks", "a webhook has no webhookId", response)
    end
    all[#all + 1] = item
    now = now or http_date.of_response(response)
    newest = math.max(newest, webhook.created_at(item) or 0)
  end
end

-- Nil and an error when the account cannot have the new webhooks beside the old ones.
local function check_limit(webhooks, plan, existing, limit)
  local peak = existing + #plan.create
  if #plan.create == 0 or peak <= limit then return true end
  return nil, errors.new("invalid_request", ("the account's limit of webhooks is %d, but this needs %d: %d"
    .. " existing and %d new, which are created before others are deleted. Delete some first; nothing was changed.")
    :format(limit, peak, existing, #plan.create),
    { attempts = 0, origin = "webhooks",
      request = { method = "POST", url = webhooks._client.base_url .. "/webhooks" } })
end

local function create_all(webhooks, plan, items, limits)
  for _, item in ipairs(items) do
    local created, err = webhook.create(webhooks, item, limits)
    if not created then return nil, err end
    table.insert(plan.created, created)
  end
  return true
end

-- Deletes the webhooks of a plan from one index to another.
local function delete_all(webhooks, plan, first, last, limits)
  for i = first, last do
    local ok, err = webhooks:delete(plan.delete[i].webhookId, limits)
    if not ok and err.kind ~= "not_found" then return nil, err end
  end
  return true
end

-- Creates the wanted webhooks that are missing after the deletions: while this run deleted webhooks that another client
-- relied on, that client may have deleted webhooks that this run relied on.
local function restore(webhooks, plan, wanted, limits)
  local existing, err = list_all(webhooks, limits)
  if not existing then return nil, err end
  local groups, missing = group(existing), {}
  for _, item in ipairs(wanted) do
    if not groups[webhook.key(item)] then missing[#missing + 1] = item end
  end
  return create_all(webhooks, plan, missing, limits)
end

local function apply(webhooks, plan, superseded, wanted, limits)
  plan.created = {}
  local ok, err = delete_all(webhooks, plan, 1, superseded, limits)
  if ok then ok, err = create_all(webhooks, plan, plan.create, limits) end
  if ok then ok, err = delete_all(webhooks, plan, superseded + 1, #plan.delete, limits) end
  if ok and #plan.delete > 0 then ok, err = restore(webhooks, plan, wanted, limits) end
  if not ok then return nil, errors.attach(err, "plan", plan) end
  return plan
end

---@class apivideo.SyncOptions: apivideo.CallOptions
---@field dry_run? boolean nothing is changed
---@field allow_private? boolean urls may be those of this machine or of a private network
---@field prune? boolean webhooks that are not in the list are deleted, if `owned_by` returns true for them
---@field owned_by? fun(webhook: apivideo.Webhook): boolean whether a webhook may be deleted; default: those whose url is in the list
---@field limit? integer the webhooks that the account can have, default 10
---@field overlap? number seconds, default 15: of equal webhooks, an older one is deleted only when a newer one is this old
---@field on_plan? fun(plan: apivideo.SyncPlan) called before anything is changed, for instance `print`
---@field handlers? apivideo.Handlers a warning in the log names subscribed types without a handler, and handled types without a subscription

local KINDS = {
  dry_run = "boolean?", prune = "boolean?", owned_by = "function?", limit = "integer>=0?",
  overlap = webhook.OVERLAP_KIND, on_plan = "function?", handlers = "table?", allow_private = "boolean?",
}

local sync = {}

-- What is wrong with a list of webhooks, or nil.
local function list_problem(wanted)
  if type(wanted) ~= "table" then return "a list of webhooks expected, got " .. type(wanted) end
  if not checks.is_list(wanted, "table") then return "a list of webhooks expected: { { url = …, events = … }, … }" end
  return nil
end

-- Raises an error unless a value is a list of different definitions.
local function check_wanted(wanted, level)
  local problem, places = list_problem(wanted), {}
  if problem then error("webhooks:sync: " .. problem, level) end
  for i, item in ipairs(wanted) do
    webhook.check("webhooks:sync", item, level + 1)
    local key = webhook.key(item)
    if places[key] then
      error(("webhooks:sync: webhooks %d and %d of the list are the same"):format(places[key], i), level)
    end
    places[key] = i
  end
end

-- The event types of a list of webhooks, each once, sorted.
local function subscribed_types(wanted)
  local types, seen = {}, {}
  for _, item in ipairs(wanted) do
    for _, name in ipairs(item.events) do
      if not seen[name] then types[#types + 1] = name end
      seen[name] = true
    end
  end
  table.sort(types)
  return types
end

-- Logs what is probably a mistake in a valid list: unknown types, and differences from the handlers.
local function warn(wanted, handlers)
  for _, item in ipairs(wanted) do
    webhook.warn_of_unknown("webhooks:sync", item, handlers and handlers.events)
  end
  if not handlers then return end
  local unhandled, unsubscribed = handlers:_compare(subscribed_types(wanted))
  if unhandled[1] then
    log.warn(("webhooks:sync: no handler is registered for subscribed types: %s; register one, or use"
      .. " handlers:otherwise, or do not subscribe"):format(table.concat(unhandled, ", ")))
  end
  if unsubscribed[1] then
    log.warn(("webhooks:sync: no webhook of the list subscribes to handled types: %s; add them to its events, for"
      .. " instance with handlers:types()"):format(table.concat(unsubscribed, ", ")))
  end
end

--- Checks the arguments of `webhooks:sync`, and logs probable mistakes.
---@param wanted any
---@param options any
---@param level integer at which it raises, as seen from here
---@return apivideo.SyncOptions
function sync.check(wanted, options, level)
  check_wanted(wanted, level + 1)
  options = call_options.check("webhooks:sync", options, KINDS, level + 1)
  if options.prune and not options.owned_by then
    error('webhooks:sync: option "prune" needs "owned_by", which decides what may be deleted', level)
  end
  if options.handlers and type(options.handlers._compare) ~= "function" then
    error('webhooks:sync: option "handlers" must be apivideo.handlers, got table', level)
  end
  warn(wanted, options.handlers)
  return options
end

--- See `webhooks:sync`.
---@param webhooks apivideo.Webhooks
---@param wanted { url: string, events: string[] }[] a valid list
---@param options apivideo.SyncOptions valid options
---@return apivideo.SyncPlan|nil plan
---@return apivideo.Error? err
function sync.run(webhooks, wanted, options)
  local limits = call_options.only(options)
  local existing, now = list_all(webhooks, limits)
  if not existing then return nil, now end
  local plan, superseded = new_plan(existing, now, wanted, options)
  local ok, problem = check_limit(webhooks, plan, #existing - superseded, options.limit or DEFAULT_LIMIT)
  if options.on_plan then options.on_plan(plan) end
  if not ok then return nil, errors.attach(problem, "plan", plan) end
  if options.dry_run then return plan end
  return apply(webhooks, plan, superseded, wanted, limits)
end

return sync
