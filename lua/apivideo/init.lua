--- api.video's webhooks for Lua: manage webhooks, receive and handle their events.

local core = require "apivideo.core"
local events = require "apivideo.events"
local json = require "apivideo.util.json"
local permanent = require "apivideo.events.permanent"
local runtime = require "apivideo.runtime"

return {
  _VERSION = "apivideo " .. require "apivideo.version",

  client = require "apivideo.client",
  handlers = require "apivideo.events.handlers",
  inbox = require "apivideo.inbox",
  receiver = require "apivideo.receiver",

  --- Verifies the signature of a delivery and parses its event, without a receiver.
  construct_event = require "apivideo.receiver.construct_event",

  --- For a handler (`return apivideo.permanent(err)`) whose failure is permanent: with an inbox, the event becomes a
  --- dead letter at once.
  ---@param err any why
  ---@return nil
  ---@return apivideo.Permanent
  permanent = function(err) return nil, permanent.new(err) end,

  --- JSON's `null` in the results of calls. A missing member is nil.
  null = json.null,

  --- Marks a table as a list, so that it is sent as `[]` when it is empty.
  ---@type fun(items: table): table
  array = json.array,

  --- Creates a cancellation, for the option `cancel` of calls.
  cancellation = require("apivideo.runtime.cancellation").new,

  --- The catalogue of event types.
  ---@type apivideo.Catalogue
  events = events,

  --- Parses the body of a delivery.
  ---@param raw string the bytes as they arrived
  ---@return apivideo.Event|nil event
  ---@return apivideo.Error? err `bad_json` or `bad_event`
  parse = function(raw)
    if type(raw) ~= "string" then
      error("parse: the bytes as they arrived (a string) expected, got " .. type(raw), 2)
    end
    local event, err = events:parse(raw)
    return event, err
  end,

  --- Signs a body as api.video does.
  ---@type fun(raw: string, secret: string): string
  sign = core.signature.sign,

  --- Whether a signature (64 hex digits) of a body is valid, with one secret or with any of several.
  ---@type fun(raw: string, hex: any, secret: string|string[]): boolean, string?
  verify = core.signature.verify,

  --- Seconds since 1970 and nanoseconds of an `emittedAt`; nil for an invalid date.
  ---@type fun(text: any): integer|nil, integer?
  timestamp = core.timestamp,

  parallel = require "apivideo.runtime.parallel",
  spawn = runtime.spawn,
  sleep = runtime.sleep,
  run = runtime.run,
}
