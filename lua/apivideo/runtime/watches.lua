--- The descriptors of a loop, and objects with a changing list of descriptors (a server on a system without epoll).

local monotonic = require("apivideo.core").monotonic

local unpack = table.unpack or unpack

---@class apivideo.DescriptorList
---@field list_fds fun(self, reads: integer[], writes: integer[]): number? appends descriptors to two arrays; returns the seconds after which to call the callback in any case

---@class apivideo.Watches
local Watches = {}
Watches.__index = Watches
Watches.__name = "apivideo.Watches"

local watches = {}
local none = {}

---@return apivideo.Watches
function watches.new()
  return setmetatable({
    callbacks = {}, -- of descriptors
    fds = {},       -- the descriptors
    lists = {},     -- list -> callback
    owners = {},    -- descriptor of a list, in the current wait -> the list
    times = {},     -- list -> when to call its callback in any case
  }, Watches)
end

---@param source integer|apivideo.DescriptorList
---@param callback fun()
function Watches:add(source, callback)
  if type(source) ~= "number" then
    self.lists[source] = callback
    return
  end
  if not self.callbacks[source] then self.fds[#self.fds + 1] = source end
  self.callbacks[source] = callback
end

---@param source integer|apivideo.DescriptorList
function Watches:remove(source)
  self.callbacks[source], self.lists[source] = nil, nil
  for i = #self.fds, 1, -1 do
    if self.fds[i] == source then table.remove(self.fds, i) end
  end
end

---@return boolean
function Watches:has_lists() return next(self.lists) ~= nil end

---@return boolean
function Watches:is_empty() return #self.fds == 0 and next(self.lists) == nil end

-- Adds the descriptors of a list. Returns the seconds after which it is due in any case, or nil.
local function add_list(self, list, reads, writes)
  local before_reads, before_writes = #reads, #writes
  local seconds = list:list_fds(reads, writes)
  for i = before_reads + 1, #reads do self.owners[reads[i]] = list end
  for i = before_writes + 1, #writes do self.owners[writes[i]] = list end
  if seconds then self.times[list] = monotonic() + seconds end
  return seconds
end

--- The descriptors to wait for.
---@param seconds number timeout
---@return number seconds
---@return integer[] reads
---@return integer[]? writes
function Watches:collect(seconds)
  if not next(self.lists) then return seconds, self.fds end
  local reads, writes = { unpack(self.fds) }, {}
  self.owners, self.times = {}, {}
  for list in pairs(self.lists) do
    seconds = math.min(seconds, add_list(self, list, reads, writes) or seconds)
  end
  return seconds, reads, writes
end

-- The lists that have a ready descriptor, or whose time has come.
local function due_lists(self, ready)
  local due, now = {}, monotonic()
  for _, fd in ipairs(ready) do
    local list = self.owners[fd]
    if list then due[list] = true end
  end
  for list, at in pairs(self.times) do
    if at <= now then due[list] = true end
  end
  return due
end

--- Calls the callbacks of what is ready.
---@param ready? integer[] descriptors
function Watches:dispatch(ready)
  ready = ready or none
  local due = next(self.lists) and due_lists(self, ready) or none
  for _, fd in ipairs(ready) do
    if self.callbacks[fd] then self.callbacks[fd]() end
  end
  for list in pairs(due) do
    if self.lists[list] then self.lists[list]() end -- an earlier callback may have removed it
  end
end

return watches
