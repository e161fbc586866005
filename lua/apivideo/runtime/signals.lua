--- SIGINT and SIGTERM for a loop: callbacks run, which stop their work in order, and the process does not end by
--- itself.

local core = require "apivideo.core"

local signals = {}

--- Signals of a loop.
---@param watch fun(fd: integer, callback: fun()) calls the callback whenever the descriptor is readable
---@param unwatch fun(fd: integer)
---@return fun(callback: fun()): (fun()|nil, string?) on_signal
function signals.over(watch, unwatch)
  local catcher, callbacks
  local process -- the id of the process that opened the catcher

  local function release()
    unwatch(catcher:fd())
    catcher:close()
    catcher, callbacks = nil, nil
  end

  local function dispatch()
    local caught = catcher:caught()
    if caught == nil then return release() end -- in a forked child, which shares the descriptor with its parent
    if not caught then return end
    local due = {}
    for i, callback in ipairs(callbacks) do due[i] = callback end -- a copy: callbacks may unsubscribe
    for _, callback in ipairs(due) do callback() end
  end

  local function open()
    if catcher and process ~= core.process_id() then release() end -- inherited by fork
    if catcher then return true end
    local made, message = core.signals.catch()
    if not made then return nil, message end
    catcher, callbacks, process = made, {}, core.process_id()
    watch(catcher:fd(), dispatch)
    return true
  end

  --- Makes the loop call the callback at each SIGINT and SIGTERM. The callback must not wait.
  ---@param callback fun()
  ---@return fun()|nil unsubscribe the last one restores the previous signal handlers
  ---@return string? message why they cannot be caught
  return function(callback)
    local ok, message = open()
    if not ok then return nil, message end
    local list = callbacks
    list[#list + 1] = callback
    return function()
      for i = #list, 1, -1 do
        if list[i] == callback then table.remove(list, i) end
      end
      if #list == 0 and list == callbacks then release() end
    end
  end
end

return signals
