--- The options of an emulator.

local checks = require "apivideo.util.checks"
local host = require "apivideo.runtime.host"

local options = {}

local KNOWN_OPTIONS = {
  api_key = "string", host = "string?", port = "integer>=0<=65535?", webhook_limit = "integer>=0?",
  rate_limits = "table?", rate_window = "seconds>0?", token_lifetime = "seconds>0?", max_attempts = "integer>=1?",
  interval = "seconds>=0?", timeout = "seconds>=0.001<=86400?", events = "table?",
  deliveries = "table?", on_attempt = "function?",
}

---@class apivideo.EmulatorOptions
---@field api_key string the API key that is accepted
---@field host? string default 127.0.0.1
---@field port? integer default 0: any free port
---@field webhook_limit? integer default 10
---@field rate_limits? { reads: integer, writes: integer } calls in a window; default those of the sandbox, 100 and 40
---@field rate_window? number seconds of a window, default 60
---@field token_lifetime? number seconds that an access token is valid, default 3600
---@field max_attempts? integer of a delivery, default 3 (as in api.video's older guide; in its newer one, 4)
---@field interval? number seconds between two attempts, default 3
---@field timeout? number seconds for one attempt, default 10
---@field deliveries? apivideo.DeliveryOptions which deliveries are lost, late, repeated or overtaken; default: none
---@field events? apivideo.Catalogue the event types, default apivideo.events
---@field on_attempt? fun(delivery: apivideo.emulator.Delivery, attempt: apivideo.emulator.Attempt)

--- Checks the options of emulator.start. Raises at the level of the caller's caller.
---@param settings any
function options.check(settings)
  if host.ngx then
    error("emulator.start: the emulator cannot run in an nginx worker, because nginx owns the event loop; run it in its"
      .. " own process, with `apivideo emulate`", 3)
  end
  checks.options("emulator.start", settings, KNOWN_OPTIONS, 4)
  if settings.events and type(settings.events.names) ~= "function" then
    error("emulator.start: option \"events\" must be a catalogue, from events:extend", 3)
  end
  if settings.rate_limits then
    checks.options("emulator.start: option \"rate_limits\"", settings.rate_limits,
      { reads = "integer>=0", writes = "integer>=0" }, 4)
  end
end

return options
