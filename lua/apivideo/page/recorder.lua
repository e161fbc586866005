--- The last requests to a receiver, in memory: a ring that is bounded by their number and by their bytes.

local random = require "apivideo.util.random"
local record = require "apivideo.page.record"

local RECORDS_MAX, MAX_BYTES = 10000, 64 * 1024 * 1024
local INSTANCE_BYTES = 8

---@class apivideo.page.Recorder
---@field instance string random: ids of another instance are other records
---@field first integer the id of the oldest record
---@field last integer the id of the newest record, 0 without one
---@field private _records table<integer, apivideo.page.Record>
---@field private _bytes integer
---@field private _replays table<table, integer> the headers of a replay -> the id of the record that is repeated
---@field private _replayed table<table, integer> the headers of a replay -> the id of its own record
local Recorder = {}
Recorder.__index = Recorder
Recorder.__name = "apivideo.page.Recorder"

local function remove_first(self)
  self._bytes = self._bytes - self._records[self.first].bytes
  self._records[self.first] = nil
  self.first = self.first + 1
end

--- Records an outcome. The newest record stays however large it is.
---@param outcome apivideo.Outcome
function Recorder:add(outcome)
  local new = record.new(outcome, self._catalogue)
  self.last = self.last + 1
  new.id, new.replay_of = self.last, self._replays[outcome.headers]
  if new.replay_of then self._replayed[outcome.headers] = new.id end
  self._records[new.id], self._bytes = new, self._bytes + new.bytes
  while self.first < self.last and (self.last - self.first >= self._max_records or self._bytes > self._max_bytes) do
    remove_first(self)
  end
end

--- Links the record of a request to the record that it repeats.
---@param headers table of the request, as the receiver gets it
---@param id integer
function Recorder:expect_replay(headers, id)
  self._replays[headers] = id
end

--- The id of the record of a replay; nil while its handlers run after the response.
---@param headers table
---@return integer?
function Recorder:find_replay(headers)
  return self._replayed[headers]
end

---@param id integer
---@return apivideo.page.Record?
function Recorder:get(id)
  return self._records[id]
end

--- The records after an id, oldest first.
---@param after integer
---@param limit integer
---@return apivideo.page.Record[]
function Recorder:list(after, limit)
  local list = {}
  for id = math.max(after + 1, self.first), self.last do
    if #list == limit then break end
    list[#list + 1] = self._records[id]
  end
  return list
end

local function weak() return setmetatable({}, { __mode = "k" }) end

local recorder = {}

---@param catalogue apivideo.Catalogue
---@param max_records? integer
---@param max_bytes? integer
---@return apivideo.page.Recorder
function recorder.new(catalogue, max_records, max_bytes)
  return setmetatable({
    instance = random.hex(INSTANCE_BYTES), first = 1, last = 0,
    _records = {}, _bytes = 0, _replays = weak(), _replayed = weak(), _catalogue = catalogue,
    _max_records = max_records or RECORDS_MAX, _max_bytes = max_bytes or MAX_BYTES,
  }, Recorder)
end

return recorder
