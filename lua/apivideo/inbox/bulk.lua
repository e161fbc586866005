--- Calls of a store that concern many entries: in batches, so that other users of the store do not wait for long.

local cancellation = require "apivideo.runtime.cancellation"
local checks = require "apivideo.util.checks"
local errors = require "apivideo.error"
local runtime = require "apivideo.runtime"
local stores = require "apivideo.inbox.store"
local tables = require "apivideo.util.tables"

local PAUSE_S = 0.01           -- between two batches: other processes share the store
local BATCHES_PER_SECOND = 4   -- of a call with a rate

---@class apivideo.BulkOptions
---@field rate? number entries per second, at most; default: no limit
---@field dry_run? boolean only count the entries, and change nothing
---@field on_progress? fun(count: integer) called after each batch, with the number of entries so far
---@field cancel? apivideo.Cancellation ends the call after the current batch

local KINDS = { rate = "number>0?", dry_run = "boolean?", on_progress = "function?", cancel = "table?" }

local bulk = {}

--- Checks options. Raises at a level, as seen from here.
---@param where string the function's name
---@param options any
---@param more? table<string, string> the kinds of other options
---@param level integer
---@return apivideo.BulkOptions
function bulk.check(where, options, more, level)
  options = checks.options(where, options or {}, tables.merge(KINDS, more), level + 1)
  cancellation.check(where, options.cancel, level + 1)
  return options
end

-- Waits until the next batch may begin.
local function pause(options, count, began)
  if runtime.refusal() then return end
  local seconds = PAUSE_S
  if options.rate then seconds = math.max(PAUSE_S, count / options.rate - (runtime.monotonic() - began)) end
  if options.cancel then
    options.cancel.latch:wait(seconds)
  else
    runtime.sleep(seconds)
  end
end

local function cancelled(count)
  return nil, errors.new("cancelled", ("the call was cancelled after %d entries"):format(count), { origin = "inbox" })
end

--- Calls a function for batches until all entries were seen. Returns the sum of its results.
---@param options apivideo.BulkOptions
---@param fn fun(page: apivideo.inbox.Page): integer|nil, integer|apivideo.Error|nil as of a store
---@return integer|nil count
---@return apivideo.Error? err `cancelled` `store_unavailable` `wrong_phase`
function bulk.run(options, fn)
  local refusal = options.rate and runtime.refusal()
  if refusal then return nil, errors.new("wrong_phase", refusal) end
  local total, after = 0, nil
  local limit = stores.SCAN_MAX
  if options.rate then limit = math.max(1, math.min(limit, math.floor(options.rate / BATCHES_PER_SECOND))) end
  repeat
    if options.cancel and options.cancel:is_cancelled() then return cancelled(total) end
    local began = runtime.monotonic()
    local count, following = fn { limit = limit, after = after }
    if not count then return nil, following end
    total, after = total + count, following
    if options.on_progress then options.on_progress(total) end
    if after then pause(options, count, began) end
  until not after
  return total
end

--- The entries of several pages, up to a number.
---@param limit integer
---@param page apivideo.inbox.Page without limit
---@param fn fun(page: apivideo.inbox.Page): table[]|nil, integer|apivideo.Error|nil as of a store
---@return table[]|nil entries
---@return apivideo.Error? err `store_unavailable`
function bulk.collect(limit, page, fn)
  local collected, after = {}, page.after
  repeat
    local entries, following = fn(tables.merge(page, { limit = limit - #collected, after = after }))
    if not entries then return nil, following end
    for _, entry in ipairs(entries) do collected[#collected + 1] = entry end
    after = following
    if after and #collected < limit and not runtime.refusal() then runtime.pass() end
  until not after or #collected >= limit
  return collected
end

return bulk
