--- Notices that a Redis server has lost the data of an inbox: it was emptied, or it came back without its data, or with
--- older data. The scripts cannot tell that from a new inbox, so each process compares what it has seen: when the
--- inbox was created, and the highest id, which never falls.

local runtime = require "apivideo.runtime"

local data_watch = {
  CHECK_INTERVAL_S = 5, -- while the store is used; each check is one short call of the server
}

---@class apivideo.inbox.DataWatch
---@field private _born string|false when the inbox was created, on the server's clock; "" before; false: not known yet
---@field private _id integer
---@field private _checked_at number|false monotonic time
local DataWatch = {}
DataWatch.__index = DataWatch
DataWatch.__name = "apivideo.inbox.DataWatch"

--- Whether a check is to follow the current call of the server.
---@return boolean
function DataWatch:is_due()
  return not self._checked_at or runtime.monotonic() - self._checked_at >= data_watch.CHECK_INTERVAL_S
end

--- Makes a check due: the server may have restarted.
function DataWatch:expect_restart()
  self._checked_at = false
end

--- Compares the state of the inbox with the last one.
---@param born string "": there is no inbox
---@param id integer the highest one
---@return string|nil what was lost
function DataWatch:note(born, id)
  local known, known_id = self._born, self._id
  self._born, self._id, self._checked_at = born, id, runtime.monotonic()
  if not known or known == "" then return nil end
  if born ~= known then
    return "has lost all events and pauses of the inbox: it was emptied, or it restarted without its data"
  elseif id < known_id then
    return ("has lost the last events of the inbox (%.0f at least), and the latest pauses: it restarted, or was"
      .. " replaced, with older data"):format(known_id - id)
  end
end

--- Creates a watch, for one store of one process.
---@return apivideo.inbox.DataWatch
function data_watch.new()
  return setmetatable({ _born = false, _id = 0, _checked_at = false }, DataWatch)
end

return data_watch
