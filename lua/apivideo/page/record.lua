--- What the page keeps of one request to the receiver, made from its outcome.

local ascii = require "apivideo.util.ascii"
local failure = require "apivideo.util.failure"
local headers = require "apivideo.util.headers"
local redact = require "apivideo.util.redact"
local runtime = require "apivideo.runtime"
local subject_of = require "apivideo.events.subject"
local utf8 = require "apivideo.util.utf8"

local SIGNATURE = "x-api-video-signature" -- of one body: not a credential, and a replay needs it
local OVERHEAD_BYTES = 1000 -- of a record's tables in memory, roughly
local TEXT_MAX_BYTES = 200 -- of a type or an id: a list has many
local PROBLEM_MAX_BYTES = 300
local UNVERIFIED_MAX_BYTES = 16384 -- of a body that is parsed although any sender may have sent it: events are shorter

---@alias apivideo.page.Result
---| "handled"   its handlers succeeded
---| "unhandled" no handler matched
---| "failed"    a handler failed
---| "stored"    the inbox has it
---| "duplicate" it was handled, or stored, before
---| "dead"      the inbox has it as a dead letter: it cannot be parsed
---| "rejected"

---@class apivideo.page.Record
---@field id integer set by the recorder
---@field at number seconds since 1970: when the request arrived
---@field seconds number duration, handlers included
---@field status integer of the response
---@field result apivideo.page.Result
---@field verified boolean whether the signature is valid
---@field webhook_id? string as the sender names it
---@field type? string as the next two, at most TEXT_MAX_BYTES of it
---@field subject? string the id of the video or live stream
---@field detail? string the other fields that identify the event
---@field raw? string
---@field headers string[][] names and values, sorted by name; credentials are replaced by ***
---@field handled? integer
---@field err? { kind: string, message: string }
---@field errors { message: string, traceback?: string }[] of handlers
---@field replay_of? integer the id of another record
---@field bytes integer of memory, roughly

local function result_of(outcome)
  if outcome.err and outcome.is_new == nil then return "rejected" end
  if outcome.is_new == false then return "duplicate" end
  if outcome.is_new then return outcome.err and "dead" or "stored" end
  if not outcome.handled then return "failed" end
  return outcome.handled == 0 and "unhandled" or "handled"
end

local function add_header(list, name, value)
  if type(value) == "table" then
    -- Some frameworks' lists begin at 0.
    for i = value[0] ~= nil and 0 or 1, #value do add_header(list, name, value[i]) end
  elseif type(value) == "string" then
    local is_hidden = ascii.lower(name) ~= SIGNATURE and redact.is_secret(name)
    list[#list + 1] = { name, is_hidden and "***" or value, is_hidden = is_hidden or nil }
  end
end

-- A table of headers as a sorted list.
local function list_of(values)
  local names, list = {}, {}
  for name in pairs(values) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do add_header(list, name, values[name]) end
  return list
end

-- The frames of the application, innermost first, up to the call by this library.
local function application_frames(traceback)
  local before = traceback:find "\n[^\n]*pcall'" or traceback:find "\n[^\n]*apivideo/util/pcall%.lua"
  return redact.text(before and traceback:sub(1, before - 1) or traceback)
end

-- The event of a body that is not verified, or nil.
local function parse_unverified(raw, catalogue)
  return raw and #raw > 0 and #raw <= UNVERIFIED_MAX_BYTES and (catalogue:parse(raw)) or nil
end

local function shortened(text)
  return type(text) == "string" and utf8.shortened(text, TEXT_MAX_BYTES) or nil
end

local function size_of(record)
  local bytes = OVERHEAD_BYTES + #(record.raw or "") + (record.err and #record.err.message or 0)
  for _, header in ipairs(record.headers) do bytes = bytes + #header[1] + #header[2] + 100 end
  for _, err in ipairs(record.errors) do bytes = bytes + #err.message + #(err.traceback or "") + 100 end
  return bytes
end

local record = {}

--- Makes the record of an outcome.
---@param outcome apivideo.Outcome
---@param catalogue apivideo.Catalogue
---@return apivideo.page.Record
function record.new(outcome, catalogue)
  local delivery, err, list = outcome.delivery, outcome.err, outcome.headers
  local self = {
    at = delivery and delivery.received_at or runtime.now() - outcome.seconds,
    seconds = outcome.seconds, status = outcome.status, result = result_of(outcome),
    verified = delivery ~= nil and delivery.verified,
    webhook_id = delivery and delivery.webhook_id or (headers.get(list, "x-api-video-webhookid")),
    raw = outcome.raw, headers = list_of(list), handled = outcome.handled,
    err = err and { kind = err.kind, message = failure.message(err) }, errors = {},
  }
  if type(self.webhook_id) ~= "string" then self.webhook_id = nil end
  for i, problem in ipairs(outcome.errors or {}) do
    local traceback = outcome.tracebacks and outcome.tracebacks[i]
    self.errors[i] = { message = failure.message(problem), traceback = traceback and application_frames(traceback) }
  end
  local event = outcome.event or parse_unverified(self.raw, catalogue)
  if event then
    local subject, detail = subject_of(event, catalogue)
    self.type, self.subject, self.detail = shortened(event.type), shortened(subject), shortened(detail)
  end
  self.bytes = size_of(self)
  return self
end

--- The first problem of a record in one line, or nil.
---@param self apivideo.page.Record
---@return string?
function record.problem(self)
  local text = self.err and self.err.message or self.errors[1] and self.errors[1].message
  return text and utf8.shortened(redact.one_line(text), PROBLEM_MAX_BYTES)
end

--- The headers of a record as the receiver takes them, without those that are hidden.
---@param self apivideo.page.Record
---@return table<string, string|string[]> list by lower-case name
function record.headers(self)
  local list = {}
  for _, header in ipairs(self.headers) do
    local name = ascii.lower(header[1])
    local before = list[name]
    if not header.is_hidden then
      if type(before) == "table" then
        before[#before + 1] = header[2]
      else
        list[name] = before and { before, header[2] } or header[2]
      end
    end
  end
  return headers.any_case(list)
end

return record
