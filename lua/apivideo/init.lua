--- api.video's webhooks for Lua: manage them, receive their events, handle them.

local core = require "apivideo.core"
local events = require "apivideo.events"
local inbox = require "apivideo.inbox"
local json = require "apivideo.util.json"
local permanent = require "apivideo.events.permanent"
local runtime = require "apivideo.runtime"

return {
  _VERSION = "apivideo " .. require "apivideo.version",

  client = require "apivideo.client",
  handlers = require "apivideo.events.handlers",
  inbox = inbox.new,
  receiver = require "apivideo.receiver",

  --- What a handler returns (`return apivideo.permanent(err)`) when no other attempt would help: with an
  --- inbox, the event goes to the dead letters at once.
  ---@param err any why
  ---@return nil
  ---@return apivideo.Permanent
  permanent = function(err) return nil, permanent.new(err) end,

  --- What `null` is in the results of calls: not nil, which is a member that is missing.
  null = json.null,

  --- Marks a table as a list, so that it is sent as `[]` when it is empty.
  ---@type fun(items: table): table
  array = json.array,

  --- Makes what calls can be cancelled with, as their option `cancel`.
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

  --- Whether a signature (64 hex digits) holds for a body, with one secret or any of several.
  ---@type fun(raw: string, hex: any, secret: string|string[]): boolean, string?
  verify = core.signature.verify,

  --- Seconds since 1970 and nanoseconds of an `emittedAt`; nil for a date that is none.
  ---@type fun(text: any): integer|nil, integer?
  timestamp = core.timestamp,

  parallel = require "apivideo.runtime.parallel",
  spawn = runtime.spawn,
  sleep = runtime.sleep,
  run = runtime.run,
}
