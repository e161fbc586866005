--- Checks of the inbox. What it must do when its process or its store ends is `make test-crash`, which
--- has broken stores of its own.

return {
  {
    file = "lua/apivideo/inbox.lua", spec = "spec/inbox_spec.lua",
    { "the window cannot be set", "local window = given.window or WINDOW_S", "local window = WINDOW_S" },
    { "what is no JSON is kept", "elseif delivery.event and delivery.raw:find(\"\\0\", 1, true) then", "elseif false then" },
  },
  {
    file = "lua/apivideo/inbox/item.lua", spec = "spec/inbox_spec.lua",
    { "a lane that fails costs the event", "local ok, lane = protected.call(inbox.lane, event)", "local ok, lane = true, inbox.lane(event)" },
    { "a drop by the window is silent", "if result == \"occurrence\" then", "if false then" },
    { "bytes with a NUL become other bytes that are an event", [[local REPLACEMENT = "\255"]], [[local REPLACEMENT = "x"]], spec = "spec/unparsed_spec.lua" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = "spec/inbox_work_spec.lua",
    { "attempts have no end", "elseif attempt >= self.attempts or all_permanent(errs) then", "elseif all_permanent(errs) then" },
    { "what cannot succeed is tried again", "elseif attempt >= self.attempts or all_permanent(errs) then", "elseif attempt >= self.attempts then" },
    { "leases are not renewed", "if self.claims[claim] then claim:extend() end", "" },
    { "a store that is away ends the worker", "if not ok then -- a store, or an error, that is not as it should be", "if not ok then self.loops = 0 error(problem, 0)" },
  },
  {
    file = "lua/apivideo/inbox/claim.lua", spec = "spec/inbox_work_spec.lua",
    { "messages of any length are kept", ":sub(1, MESSAGE)", "" },
  },
  {
    file = "lua/apivideo/inbox/spool.lua", spec = "spec/inbox_spool_spec.lua",
    { "what comes meanwhile goes before what is spooled", "if is_in_use(self) then\n    local verdicts", "if false then\n    local verdicts" },
    { "nothing is forwarded", "    local ok, err = put_from(self, entry, item)", "    local ok, err = true" },
  },
  {
    file = "lua/apivideo/runtime/standalone.lua", spec = "spec/runtime_spec.lua",
    { "tasks that wake each other keep the loop from all else",
      "(taken < stop or not first.in_next_turn and core.monotonic() < ends)", "true" },
    { "a call that fails takes the others with it", "if not due then due, asked = asked, nil end", "due, asked = asked, nil" },
  },
  {
    file = "lua/apivideo/runtime/standalone.lua", spec = "spec/server_spec.lua",
    { "what a handler spawns keeps its answer", "start(true, fn, ...)", "start(false, fn, ...)" },
  },
  {
    file = "lua/apivideo/inbox/group.lua", spec = "spec/inbox_spec.lua",
    { "a store that fails costs the process", "local ok, results, err = protected.call(self.execute, batch.items)",
      "local ok, results, err = true, self.execute(batch.items)" },
    { "a batch does not grow", "until #batch.items == count or runtime.monotonic() >= ends", "until true" },
  },
}
