--- Where a reconciliation puts what it finds: an inbox, whose store also keeps the state.

local inbox_target = {}

---@class apivideo.reconcile.Target
---@field store apivideo.Store of the state
---@field retention number seconds for which an event is known after it was handled
---@field put fun(self, events: apivideo.Event[], window: number): (boolean|"occurrence")[]|nil, apivideo.Error? true for each that had not come

---@param inbox apivideo.Inbox
---@return apivideo.reconcile.Target
function inbox_target.new(inbox)
  return {
    store = inbox._store, retention = inbox._retention,
    put = function(_, events, window) return inbox:_put_found(events, window) end,
  }
end

return inbox_target
