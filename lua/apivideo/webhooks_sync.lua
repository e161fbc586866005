--- Desired state: makes the webhooks of an account match a list.

local call_options = require "apivideo.call_options"
local errors = require "apivideo.error"
local options = require "apivideo.options"
local protected = require "apivideo.pcall"
local resource = require "apivideo.resource"
local webhook = require "apivideo.webhook"

local LIMIT = 10 -- webhooks that an account holds, as documented

---@class apivideo.SyncPlan its tostring is a line for each step
---@field create { url: string, events: string[] }[]
---@field delete apivideo.Webhook[]
---@field keep apivideo.Webhook[]
---@field created? apivideo.Webhook[] those that this run made
local Plan = {}
Plan.__index = Plan

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

-- What has to be done. Of equal webhooks the first one stays: the others are left from a run that did
-- not come to its end.
local function new_plan(existing, wanted, is_owned, prune)
  local plan = setmetatable({ create = {}, delete = {}, keep = {} }, Plan)
  local urls, keys, kept = {}, {}, {}
  for _, item in ipairs(wanted) do urls[item.url], keys[webhook.key(item)] = true, true end
  is_owned = is_owned or function(item) return urls[item.url] end
  for _, item in ipairs(existing) do
    local key = webhook.key(item)
    if keys[key] and not kept[key] then
      kept[key] = true
      plan.keep[#plan.keep + 1] = item
    elseif (prune or urls[item.url]) and is_owned(item) then
      plan.delete[#plan.delete + 1] = item
    end
  end
  for _, item in ipairs(wanted) do
    if not kept[webhook.key(item)] then plan.create[#plan.create + 1] = item end
  end
  return plan
end

local function list_all(webhooks, limits)
  local all, next_webhook = {}, webhooks:each(nil, limits)
  while true do
    local ok, item = protected.call(next_webhook)
    if not ok then return nil, item end
    if not item then return all end
    if type(item.webhookId) ~= "string" then
      return nil, resource.unexpected(webhooks.client, "GET", "/webhooks", "a webhook has no webhookId")
    end
    all[#all + 1] = item
  end
end

-- Nil and an error when the account cannot hold the new webhooks beside the old ones.
local function check_limit(webhooks, plan, existing, limit)
  local peak = existing + #plan.create
  if #plan.create == 0 or peak <= limit then return true end
  return nil, errors.new("invalid_request", ("an account holds %d webhooks, and this needs %d: there are"
    .. " %d, and %d more are created before others are deleted. Delete some first; nothing was changed.")
    :format(limit, peak, existing, #plan.create),
    { attempts = 0, request = { method = "POST", url = webhooks.client.base_url .. "/webhooks" } })
end

local function apply(webhooks, plan, limits)
  plan.created = {}
  for _, item in ipairs(plan.create) do
    local created, err = webhooks:create({ url = item.url, events = item.events }, limits)
    if not created then return nil, err, plan end
    plan.created[#plan.created + 1] = created
  end
  for _, item in ipairs(plan.delete) do
    local ok, err = webhooks:delete(item.webhookId, limits)
    if not ok and err.kind ~= "not_found" then return nil, err, plan end
  end
  return plan
end

-- Raises unless it is a list of webhooks that differ. What only looks like one would be taken for a
-- shorter list, and the rest be deleted.
local function check_wanted(wanted)
  if type(wanted) ~= "table" then
    error("webhooks:sync: a list of webhooks expected, got " .. type(wanted), 3)
  end
  if not options.is_list(wanted, "table") then
    error("webhooks:sync: a list of webhooks expected: { { url = …, events = … }, … }", 3)
  end
  local places = {}
  for i, item in ipairs(wanted) do
    webhook.check("webhooks:sync", item, 4)
    local key = webhook.key(item)
    if places[key] then
      error(("webhooks:sync: webhooks %d and %d of the list are the same"):format(places[key], i), 3)
    end
    places[key] = i
  end
end

local known = {
  dry_run = "boolean?", prune = "boolean?", owned_by = "function?", limit = "number?",
  on_plan = "function?",
}

---@class apivideo.SyncOptions: apivideo.CallOptions
---@field dry_run? boolean nothing is changed
---@field prune? boolean webhooks that are not in the list are deleted, if `owned_by` says so
---@field owned_by? fun(webhook: apivideo.Webhook): boolean which webhooks may be deleted; without it, those whose url is in the list
---@field limit? integer webhooks that the account holds, default 10
---@field on_plan? fun(plan: apivideo.SyncPlan) called before anything is changed, for instance `print`

--- Makes the account's webhooks match a list: creates what is missing, then deletes what it replaces. To
--- change the events of a url is to replace its webhook. Twice is as once, and a run that was cut off
--- is completed by the next.
---@param webhooks apivideo.Webhooks
---@param wanted { url: string, events: string[] }[]
---@param given? apivideo.SyncOptions
---@return apivideo.SyncPlan|nil plan what was done, or with dry_run would be
---@return apivideo.Error? err
---@return apivideo.SyncPlan? plan after an error: what was to be done, and in `created` what was
local function sync(webhooks, wanted, given)
  resource.client_of(webhooks, "webhooks:sync")
  check_wanted(wanted)
  given = call_options.check("webhooks:sync", given, known)
  if given.prune and not given.owned_by then
    error("webhooks:sync: option \"prune\" needs \"owned_by\", which says what may be deleted", 2)
  end
  if given.limit and not (given.limit >= 0 and given.limit % 1 == 0) then
    error("webhooks:sync: option \"limit\" must be a whole number from 0 on", 2)
  end
  local limits = call_options.only(given)
  local existing, err = list_all(webhooks, limits)
  if not existing then return nil, err end
  local plan = new_plan(existing, wanted, given.owned_by, given.prune)
  local ok, problem = check_limit(webhooks, plan, #existing, given.limit or LIMIT)
  if given.on_plan then given.on_plan(plan) end
  if not ok then return nil, problem, plan end
  if given.dry_run then return plan end
  return apply(webhooks, plan, limits)
end

return sync
