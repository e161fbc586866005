--- What happens to each request: the receiver verifies it, a selected event is forwarded, and then the hooks see it.
--- All of them are put together here.

local apivideo = require "apivideo"
local failure = require "apivideo.util.failure"
local protected = require "apivideo.util.pcall"
local relay = require "apivideo.cli.relay"
local runtime = require "apivideo.runtime"

---@class apivideo.cli.listen.Exchange a request and what became of it
---@field at number seconds since 1970: when it arrived
---@field request apivideo.ServerRequest
---@field outcome apivideo.Outcome of the receiver
---@field result "verified"|"unsigned"|"rejected"
---@field is_selected boolean whether it is to be printed: a rejection always is
---@field forwarded? apivideo.cli.Relayed
---@field status integer of the response

---@class apivideo.cli.listen.Counts
---@field verified integer
---@field unsigned integer
---@field rejected integer
---@field not_selected integer accepted, but neither printed nor forwarded
---@field not_forwarded integer without a 2xx of the other server

---@class apivideo.cli.listen.Reception
---@field receiver apivideo.Receiver
---@field counts apivideo.cli.listen.Counts
---@field handle fun(request: apivideo.ServerRequest): integer, table<string, string>? for the server

local reception = {}

-- Passes a request to the receiver. Returns the outcome and the status.
local function receiving(settings)
  local last
  local receiver = apivideo.receiver {
    handlers = apivideo.handlers():otherwise(function() end),
    secrets = settings.secrets, unsigned = settings.secrets == nil or nil,
    on_outcome = function(outcome) last = outcome end,
  }
  return receiver, function(request)
    local status, headers = receiver:receive(request)
    return last, status, headers -- the outcome of this request: the receiver does not wait after on_outcome
  end
end

local function result_of(outcome)
  if outcome.err then return "rejected" end
  return outcome.delivery.verified and "verified" or "unsigned"
end

local function count(counts, exchange)
  counts[exchange.result] = counts[exchange.result] + 1
  if not exchange.is_selected then counts.not_selected = counts.not_selected + 1 end
  if exchange.forwarded and not relay.is_success(exchange.forwarded) then
    counts.not_forwarded = counts.not_forwarded + 1
  end
end

local function call_hooks(hooks, exchange)
  for _, hook in ipairs(hooks) do hook(exchange) end
end

--- Creates the receiver, and the function that handles requests.
---@param settings { secrets?: any, selection: apivideo.cli.Selection, forward_to?: string, hooks: fun(exchange: apivideo.cli.listen.Exchange)[], on_failure: fun(problem: string) } without secrets, signatures are not verified
---@return apivideo.cli.listen.Reception
function reception.new(settings)
  local counts = { verified = 0, unsigned = 0, rejected = 0, not_selected = 0, not_forwarded = 0 }
  local receiver, receive = receiving(settings)

  local function handle(request)
    local exchange = { at = runtime.now(), request = request }
    local outcome, status, headers = receive(request)
    exchange.outcome, exchange.status, exchange.result = outcome, status, result_of(outcome)
    exchange.is_selected = outcome.err ~= nil or settings.selection:has(outcome.event)
    if settings.forward_to and not outcome.err and exchange.is_selected then
      exchange.forwarded = relay.send { url = settings.forward_to, headers = request.headers, body = request.body }
      exchange.status = relay.status(exchange.forwarded)
    end
    count(counts, exchange)
    local ok, problem = protected.call(call_hooks, settings.hooks, exchange)
    if ok then return exchange.status, headers end
    -- A table with a message is a failure of the output or of the file; anything else is an error in a hook.
    settings.on_failure(type(problem) == "table" and problem.message or failure.message(problem))
    return 500 -- api.video retries what could not be saved
  end

  return { receiver = receiver, counts = counts, handle = handle }
end

return reception
