--- Mutants of the inbox. `make test-crash` checks what it does when its process or its store ends, with broken stores of
--- its own.

local PLACE = "spec/inbox/sqlite_place_spec.lua"

return {
  {
    file = "lua/apivideo/inbox/init.lua", spec = "spec/inbox/inbox_spec.lua",
    { "the window cannot be set", "local window, events = options.window or WINDOW_S,", "local window, events = WINDOW_S," },
  },
  {
    file = "lua/apivideo/inbox/item.lua", spec = "spec/inbox/inbox_spec.lua",
    { "bytes that are not JSON are stored", "elseif delivery.event and delivery.raw:find(\"\\0\", 1, true) then", "elseif false then" },
    { "a lane that fails costs the event", "local ok, lane = protected.call(inbox._lane, event)", "local ok, lane = true, inbox._lane(event)" },
    { "an item that the window drops is not logged", "if result == \"occurrence\" then", "if false then" },
    { "bytes with a NUL become other bytes that are an event", [[local REPLACEMENT = "\255"]], [[local REPLACEMENT = "x"]], spec = "spec/inbox/unparsed_spec.lua" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = "spec/inbox/worker_spec.lua",
    { "an error of the store ends the worker", "if not ok then end_failed_step(self, task, raised) end", "if not ok then self.running = 0 error(raised, 0) end", spec = "spec/inbox/worker_store_spec.lua" },
    { "a dispatch that raises keeps its claim", "if attempt and not attempt.is_settling then\n    settlement", "if false then\n    settlement" },
    { "a task that yielded to another scheduler is not replaced", "runtime.guard(function(traceback) runtime.spawn(replace, self, task, YIELDED, traceback) end)", "", spec = "spec/inbox/handlers_leaving_spec.lua" },
    { "a late result settles the next attempt's claim", "if attempt.is_settling then return settlement.ignore(attempt, errs, tracebacks) end", "", spec = "spec/inbox/handlers_leaving_spec.lua" },
    { "a task that was replaced continues", "if task.is_replaced then return end", "", spec = "spec/inbox/handlers_leaving_spec.lua" },
  },
  {
    file = "lua/apivideo/inbox/settlement.lua", spec = "spec/inbox/worker_spec.lua",
    { "attempts are not limited", "elseif attempt >= worker.max_attempts or all_permanent(errs) then", "elseif all_permanent(errs) then" },
    { "a permanent failure is retried", "elseif attempt >= worker.max_attempts or all_permanent(errs) then", "elseif attempt >= worker.max_attempts then" },
    { "a store that raises keeps the claim", "local called, intended, ok, err = protected.call(settle_claim, worker, claim, result)",
      "local called, intended, ok, err = true, settle_claim(worker, claim, result)", spec = "spec/inbox/handlers_leaving_spec.lua" },
  },
  {
    file = "lua/apivideo/inbox/upkeep.lua", spec = "spec/inbox/worker_upkeep_spec.lua",
    { "leases are not renewed", "local ok, result, err = protected.xpcall(attempt.claim.extend, failure.raised, attempt.claim)",
      "local ok, result, err = true, true, nil" },
    { "an error in one renewal prevents the others", "local ok, result, err = protected.xpcall(attempt.claim.extend, failure.raised, attempt.claim)",
      "local ok, result, err = true, attempt.claim:extend()" },
    { "a renewal that ends after the settlement has lost a lease", "elseif not is_over then", "else", spec = "spec/inbox/metrics_spec.lua" },
    { "a purge delays the renewals", "if not runtime.background(run_purge, self) then self.is_purging = false end", "run_purge(self)" },
    { "handlers have no time limit", "if attempt.ends <= now then overdue", "if false then overdue", spec = "spec/inbox/handlers_leaving_spec.lua" },
    { "a purge continues after the work has ended", "while not self:is_ending() and not self.ended:is_open() do", "while true do" },
  },
  {
    file = "lua/apivideo/inbox/claim.lua", spec = "spec/inbox/worker_spec.lua",
    { "messages of any length are stored", "return failure.text(err, nil, STORED_MAX_BYTES)", "return failure.text(err, nil, 1e6)" },
  },
  {
    file = "lua/apivideo/inbox/spool.lua", spec = "spec/inbox/spool_spec.lua",
    { "an event that is spooled while the spool is found empty waits", "not was_empty or self.puts ~= puts", "not was_empty" },
    { "events that arrive during an outage overtake spooled ones", "if is_in_use(self) then\n    local results", "if false then\n    local results" },
    { "nothing is forwarded", "    local ok, err = put_from(self, entry)", "    local ok, err = true" },
    { "the spool keeps the key of a forwarded event", "return self.spool:remove(entry.id, entry.token)", "return self.spool:complete(entry.id, entry.token)" },
    { "the window applies before the opposite event is in the store", "local NO_WINDOW = 0", "local NO_WINDOW = 20" },
    { "an event without a type is a dead letter of the spool", "    list[i].error = nil\n", "" },
    { "a child relies on the task of its parent", "if self.process == process then return end", "if true then return end" },
  },
  {
    file = "lua/apivideo/inbox/init.lua", spec = "spec/inbox/spool_spec.lua",
    { "the spool is not counted while the store is unavailable", "stats = stats or { error = err }", "if not stats then return nil, err end" },
  },
  {
    file = "lua/apivideo/inbox/memory/queue.lua", spec = "spec/inbox/memory_spec.lua",
    { "an old lease makes an entry ready before its turn", 'entry.state, entry.claimed, entry.due = "open", false, nil', 'entry.state, entry.claimed = "open", false' },
  },
  {
    file = "lua/apivideo/inbox/memory/occurrences.lua", spec = "spec/inbox/memory_spec.lua",
    { "an opposite event does not begin a new occurrence", "opposite_before, opposite_after = neighbors(self, item.opposite, came)", "opposite_before, opposite_after = nil, nil" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/init.lua", spec = "spec/inbox/sqlite_spec.lua",
    { "lists wait for writers", 'return attempt_pair(self, "read", operations.list,', 'return attempt_pair(self, "write", operations.list,' },
    { "a child uses the parent's connection", "if connection.is_inherited(self.path) then\n    return", "if false then\n    return" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/operations.lua", spec = "spec/inbox/sqlite_spec.lua",
    { "events of a batch have no order", "return entry[2] < other[2]", "return false" },
    { "the time of a later delivery counts", 'if item.age and db:run("came_before", came, key, came) == 1 then return false end', "" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/connection.lua", spec = "spec/inbox/sqlite_file_spec.lua",
    { "any SQLite is accepted", "if number and number < MIN_VERSION then", "if false then" },
    { "a log beside a symbolic link is watched", "(core.real_path(self.path) or self.path)", "self.path", spec = PLACE },
  },
  {
    file = "lua/apivideo/inbox/sqlite/place.lua", spec = "spec/inbox/sqlite_file_spec.lua",
    { "a process is to run as root", '(not owner or owner == "root" or', "(not owner or", spec = "spec/inbox/sqlite_nginx_spec.lua" },
    { "a process is to run as root for its directory", 'if directory.owner == "root" then', "if false then", spec = "spec/inbox/sqlite_nginx_spec.lua" },
    { "a file that a symbolic link names is given away", '"chown -h %s %s"', '"chown %s %s"', spec = PLACE },
    { "the owner of a read-only file can write it", "or read_only[1]) and", "or false) and", spec = PLACE },
    { "the directory of a symbolic link is judged", "  local parts = {}\n  path = core.real_path(path) or path\n", "  local parts = {}\n", spec = PLACE },
    { "a file is created in the directory of a symbolic link", "  path = core.real_path(path) or path\n  local beside", "  local beside", spec = PLACE },
    { "a pipe blocks the process", "if mode and not is_regular then", "if false then", spec = PLACE },
    { "a probe overwrites a user's file", '(path:match "^.*/" or "") .. ".apivideo-" .. random.hex(8)', 'path .. "-probe"' },
  },
  {
    file = "lua/apivideo/inbox/redis/init.lua", spec = "spec/inbox/redis_spec.lua",
    { "a child claims in the parent's name", "if self.process ~= process then", "if not self.consumer then" },
  },
  {
    file = "lua/apivideo/inbox/redis/script_runner.lua", spec = "spec/inbox/redis_server_spec.lua",
    { "a check that is not allowed stops the inbox", "if unreadable == \"\" and (tonumber", "if (tonumber" },
  },
  {
    file = "lua/apivideo/inbox/redis/clients.lua", spec = "spec/inbox/redis_server_spec.lua",
    { "a child uses the parent's connection", "if self.process ~= core.process_id() then", "if false then" },
    { "the username is not sent", 'client:ask("auth", self.username, self.password())', 'client:ask("auth", self.password())' },
  },
  {
    file = "lua/apivideo/runtime/standalone.lua", spec = "spec/runtime/runtime_spec.lua",
    { "tasks that wake each other keep the loop from all else",
      "(taken < stop or not first.in_next_tick and core.monotonic() < ends)", "true" },
    { "a call that fails takes the others with it", "if not due then due, requested = requested, nil end", "due, requested = requested, nil" },
    { "a yield to another scheduler is reported twice", "if is_lost and guard then return guard", "if is_lost and guard then report(task, err) return guard", spec = "spec/inbox/handlers_leaving_spec.lua" },
  },
  {
    file = "lua/apivideo/runtime/parallel.lua", spec = "spec/runtime/parallel_spec.lua",
    { "an item whose task was taken is waited for", "    self:finish(index, false, YIELDED)\n", "" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = "spec/runtime/signals_spec.lua",
    { "a second signal is ignored", [[if self.cancel:is_cancelled() then
      return]], [[if false then
      return]] },
  },
  {
    file = "lua/apivideo/runtime/standalone.lua", spec = "spec/server/server_spec.lua",
    { "a task that a handler spawns delays its response", "start(true, fn, ...)", "start(false, fn, ...)" },
  },
  {
    file = "lua/apivideo/runtime/signals.lua", spec = "spec/runtime/signals_spec.lua",
    { "a second callback loses the signal before it", "if catcher and process ~= core.process_id() then", "if catcher and catcher:caught() == nil then" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = "spec/inbox/worker_store_spec.lua",
    { "events are claimed for tasks that no longer wait", "end, CLAIM_WAIT_MAX_S)", "end)" },
  },
  {
    file = "lua/apivideo/inbox/group.lua", spec = "spec/inbox/inbox_spec.lua",
    { "a batch does not grow", "until #batch.items == count or runtime.monotonic() >= ends", "until true" },
  },
  {
    file = "lua/apivideo/inbox/group.lua", spec = "spec/inbox/group_spec.lua",
    { "an error of the store ends the process", "local ok, results, err = protected.call(self.execute, batch.items)",
      "local ok, results, err = true, self.execute(batch.items)" },
    { "transactions run at the same time", "if not self.task then start(self) end", "start(self)" },
    { "any number of calls waits", "if place > BATCH_MAX then", "if false then" },
    { "calls wait for ever", "  until pause <= 0", "  until false" },
    { "a batch that cannot grow is lost", "  protected.call(gather, batch)", "  gather(batch)" },
    { "a batch is executed by two tasks", "  if self.task ~= task then return end\n  self.batch = nil", "  self.batch = nil" },
    { "the next batch waits for another call", "  if self.batch and not self.task and task.is_queued then start(self) end\n", "" },
    { "a task counts as running for ever", "  if age > LOST_S then start(self) end\n", "" },
    { "a call waits for a timer that nginx dropped", "  if not task.has_begun and age >= CHECK_S then", "  if false then" },
    { "a request executes one batch after the other", " and task.is_queued then", " then" },
    { "the next task is started before the results are known", "  batch.done:open(results, err)\n  if self.batch and not self.task and task.is_queued then start(self) end",
      "  if self.batch and not self.task and task.is_queued then start(self) end\n  batch.done:open(results, err)" },
  },
  {
    file = "lua/apivideo/inbox/redis/permissions.lua", spec = "spec/inbox/redis_permissions_spec.lua",
    { "the line names no command", '"+" .. table.concat(commands, " +")', '"+" .. commands[1]' },
  },
  {
    file = "lua/apivideo/inbox/redis/remedies.lua", spec = "spec/inbox/redis_permissions_spec.lua",
    { "a missing pattern of keys has no remedy", [[  { "no permissions to access", allow_keys },
]], "" },
    { "a database that does not exist has no remedy", [[  { "^err db index is out of range", "correct the number of the database" },
]], "", spec = "spec/cli/inbox_redis_spec.lua" },
    { "the pattern of keys is that of another inbox", 'local name = options.name or "apivideo"', 'local name = "apivideo"' },
  },
  {
    file = "lua/apivideo/inbox/redis/data_watch.lua", spec = "spec/inbox/redis_data_loss_spec.lua",
    { "a server that was emptied is not noticed", "if born ~= known then", "if false then" },
    { "a server with older data is not noticed", "elseif id < known_id then", "elseif false then" },
    { "a restarted server is not checked at once", "  self._checked_at = false\n", "" },
  },
  {
    file = "lua/apivideo/cli/doctor/owner.lua", spec = "spec/cli/doctor_machine_spec.lua",
    { "root's right to write is taken for that of the program", 'if core.user() ~= "root" or not user then', "if true then" },
    { "a file of root in the directory of another user is fine", 'if user == "root" then return check_directory(findings, place.parts(path)) end', 'if user == "root" then return false end' },
    { "root is warned of its own directory", 'if user == "root" or not paths[1] then', 'if not paths[1] then' },
    { "the owner is changed to itself", "part.owner ~= user and { part.path } or {}", "{ part.path }" },
    { "a directory of another user is given away", "if part.is_directory and part.owner ~= user then", "if false then" },
    { "files beside the inbox may belong to any user", "if is_forbidden(user, part) then", "if false then" },
    { "the owner may always write", "  if part.owner == user then return not place.has_bit(part.mode, 128) end\n", "  if part.owner == user then return false end\n" },
  },
  {
    file = "lua/apivideo/inbox/redis/prelude.lua", spec = "spec/inbox/redis_permissions_spec.lua",
    { "a script without a right changes something", "if missing[1] then error(", "if false then error(" },
  },
  {
    file = "lua/apivideo/inbox/redis/claiming.lua", spec = "spec/inbox/redis_permissions_spec.lua",
    { "a worker claims what it cannot complete", "{ settling.complete_and_put, ", "{ " },
  },
  {
    file = "lua/apivideo/inbox/redis/rights.lua", spec = "spec/inbox/redis_permissions_spec.lua",
    { "commands of functions are not checked", "for command in pairs(functions[name] or {}) do commands[command] = true end", "" },
    { "commands that are called with unpack are not checked", [[gmatch '{ "(%u+)", %l' do]], [[gmatch '{ "(%l%u+)"' do]] },
  },
  {
    file = "lua/apivideo/inbox/redis/init.lua", spec = "spec/inbox/opening_spec.lua",
    { "the wrong database is not noticed", "if reply == 0 then log", "if false then log" },
    { "each inbox is taken for a new one", "if reply == 0 then log", "if true then log" },
  },
}
