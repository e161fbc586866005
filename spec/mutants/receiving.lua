--- Checks of how bytes arrive, and what is answered.

return {
  {
    file = "src/server/connections.c", spec = "spec/server_deadlines_spec.lua",
    { "requests may take any time", [[queue->first->deadline <= now]], [[queue->first->deadline < 0]] },
    { "answers may be taken at any time", [[expire(self, &self->answering, now);]], [[;]] },
  },
  {
    file = "src/server/listening.c", spec = "spec/server_hostile_spec.lua",
    { "as many connections as come", [[self->connections < self->max_connections || self->waiting.first != NULL]], [[true]], spec = "spec/server_spec.lua" },
    { "newcomers push each other out at once", [[count < self->max_connections && has_place]], [[has_place]], spec = "spec/server_deadlines_spec.lua" },
    { "without descriptors, nobody goes", [[if (starved && !(problem == EMFILE && connections_end_oldest(self)))]], [[if (starved)]] },
    { "descriptors are not counted at the start", [[limit.rlim_cur >= needed]], [[true]] },
  },
  {
    file = "src/server/body.c", spec = "spec/server_hostile_spec.lua",
    { "bodies are not bounded", [[request->too_large || len > self->max_body - request->body_len]], [[request->too_large]], spec = "spec/server_spec.lua" },
    { "bodies are not bounded together", [[self->body_memory + more > self->max_body + TOGETHER_MAX]], [[false]] },
    { "a body within its bound has no room", [[  if (size > self->max_body) size = self->max_body;]], "" },
    { "of unfinished bodies the smallest goes", [[each->body_size > found->body_size ||]], [[each->body_size < found->body_size ||]] },
  },
  {
    file = "src/server/framing.c", spec = "spec/server_malformed_spec.lua",
    { "two lengths are taken", [[found->lengths <= 1 &&]], "" },
    { "names that are nearly Transfer-Encoding are taken", [[is_longer(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING))]], [[false)]] },
    { "control characters are taken", [[(value != NULL && !http_is_clean(value, value_len)) ||]], "", spec = "spec/fuzz_findings_spec.lua" },
    { "names are compared in the process's locale", [[  return ascii_equal(name, len, other, strlen(other));]],
      [[  return len == strlen(other) && strncasecmp(name, other, len) == 0;]], spec = "spec/server_locale_spec.lua" },
  },
  {
    file = "src/server/request.c", spec = "spec/server_malformed_spec.lua",
    { "announced bodies of any size are read", [[? refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE)
             : MHD_YES;]], [[? MHD_YES
             : MHD_YES;]], spec = "spec/server_spec.lua" },
    { "connections that are handled may end", [[  connections_handle(request->connection);]], "", spec = "spec/server_deadlines_spec.lua" },
    { "an answer counts as waiting", [[connections_answer(self, request->connection);]], [[connections_wait(self, request->connection);]], spec = "spec/server_deadlines_spec.lua" },
    { "what libmicrohttpd forgets stays", [[one != NULL && one->request != NULL)]], [[false)]], spec = "spec/server_hostile_spec.lua" },
    { "requests in the queue can be answered", [[ || !request->taken]], "", spec = "spec/server_reentry_spec.lua" },
  },
  {
    file = "src/server/server.c", spec = "spec/server_malformed_spec.lua",
    { "a connection may spin", [[  if (self->idle_calls > 0) end_stalled(self);]], "" },
    { "who pauses goes with who spins", [[ && has_unread(request->connection))]], [[)]] },
    { "deadlines come before what was sent in time", [[  self->idle_calls = run(self) ?]], [[  connections_expire(self);
  self->idle_calls = run(self) ?]], spec = "spec/server_deadlines_spec.lua" },
    { "heads may have 256 KB", [[CONNECTION_MEMORY ((size_t)16 * 1024)]], [[CONNECTION_MEMORY ((size_t)256 * 1024)]] },
    { "a forked child stops the parent's server", [[  if (!server_is_ours(self)) abandon(self);]], "", spec = "spec/server_fork_spec.lua" },
    { "a forked child keeps the connections open", [[(void)close(one->fd);]], [[;]], spec = "spec/server_fork_spec.lua" },
  },
  {
    file = "src/server/listening.c", spec = "spec/server_listen_spec.lua",
    { "only the first address is tried", [[each = each->ai_next]], [[each = NULL]] },
    { "a taken port moves the server to another address", [[    if (is_of_port(problem)) return problem;]], "" },
    { "the soft limit of descriptors stays", [[setrlimit(RLIMIT_NOFILE, &limit) == 0]], [[false]] },
  },
  {
    file = "src/server/server_lua.c", spec = "spec/server_reentry_spec.lua",
    { "a request that a finalizer took is handed out again", [[if (self->ready != NULL && self->ready->id == copy->id) break;]], [[break;]] },
    { "a forked child uses the server", [[if (self->daemon != NULL && !server_is_ours(self)) server_close(self);]], "", spec = "spec/server_fork_spec.lua" },
  },
  {
    file = "src/server/request.c", spec = "spec/server_spec.lua",
    { "headers may hold a NUL", "value_len > 0 && http_is_clean(value, value_len)", "value_len > 0" },
  },
  {
    file = "src/core/signals.c", spec = "spec/signals_spec.lua",
    { "a forked child's signals stop its parent", [[catcher != NULL && catcher->pid != getpid()]], [[false]] },
    { "the signals stay caught", [[(void)sigaction(numbers[i], &self->before[i], NULL);
    if]], [[;
    if]] },
    { "a blocked server cannot be ended", [[_exit(128 + number);]], [[;]] },
  },
  {
    file = "lua/apivideo/emulator/tokens.lua", spec = "spec/server_locale_spec.lua",
    { "schemes are read in the process's locale", [["^[Bb][Aa][Ss][Ii][Cc] +(.*)$"]], [["^[Bb][Aa][Ss]i[Cc] +(.*)$"]] },
  },
  {
    file = "lua/apivideo/server.lua", spec = "spec/server_spec.lua",
    { "a failed handler is no answer", "self.core:respond(id, 500) -- first: without memory, there is no message either", "" },
    { "a handler that yields elsewhere is no answer", "    self.core:respond(id, 500)\n    self.send()", "    self.send()" },
    { "requests under way are cut", "self.drained:wait(grace or 10)", "" },
  },
  {
    file = "lua/apivideo/receiver.lua", spec = "spec/receiver_spec.lua",
    { "any method is taken", "if method ~= \"POST\" then", "if false then" },
    { "bodies of any size are taken", "if size > self.max_body then", "if false then" },
    { "what is no event is acknowledged", "if self.unsigned then return nil, 400, err end", "if self.unsigned then return nil, 204, err end", spec = "spec/unparsed_spec.lua" },
    { "what nobody signed is a dead letter", "if self.unsigned then return nil, 400, err end", "", spec = "spec/unparsed_spec.lua" },
    { "signed bytes that cannot be parsed are lost", "if unparsed then return take_unparsed(self, unparsed, started) end", "", spec = "spec/unparsed_spec.lua" },
    { "health checks are deliveries", "if path and path == self.health and self:_is_probe(method) then", "if false then", spec = "spec/receiver_health_spec.lua" },
    { "a health check does not look at the store", "(not self.inbox or self.inbox:_is_available()) and 200 or 503", "200", spec = "spec/receiver_health_spec.lua" },
    { "a body that was not read is an empty one", "local err = unread_body(list)", "local err", spec = "spec/receiver_health_spec.lua" },
    { "failed handlers are acknowledged", "(self.defer or not errs) and 204 or 500", "204" },
    { "what was not kept is acknowledged", "if is_new == nil then return refuse(self, 503, err, started) end", "", spec = "spec/inbox_spec.lua" },
    { "a log that fails costs the event", "local logged, problem = protected.call(self.log or outcome_log, outcome)",
      "local logged, problem = true, (self.log or outcome_log)(outcome)" },
    { "a decoded body is taken", "if request.body ~= nil and type(request.body) ~= \"string\" then", "if false then", spec = "spec/bytes_only_spec.lua" },
  },
  {
    file = "lua/apivideo/outcome_log.lua", spec = "spec/unparsed_spec.lua",
    { "signed bytes are logged whole", ":sub(1, BODY_SHOWN_MAX_BYTES)", "" },
    { "signed bytes are not logged", ".. \"; the body: \" .. shown_body(outcome.delivery.raw)", "" },
  },
  {
    file = "lua/apivideo/nginx.lua", spec = "spec/nginx_receiver_spec.lua",
    { "bodies in files are lost", "if path then return read_file(path, most) end", "" },
    { "announced bodies of any size are read", "if told and told > most then return \"\", told end", "" },
    { "handlers of a client that left are ended", "ngx.on_abort(go_on)", "" },
    { "a response that a handler sent is completed", "if ngx.headers_sent then return end_sent(status) end", "", spec = "spec/nginx_handlers_spec.lua" },
  },
  {
    file = "lua/apivideo/handlers.lua", spec = "spec/handlers_spec.lua",
    { "one that fails keeps others from running", "    local err, traceback = failure_of(functions[i], event, delivery)\n",
      "    local err, traceback = failure_of(functions[i], event, delivery)\n    if err ~= nil then return nil, { err } end\n" },
    { "types nobody knows can be registered", "for _, name in ipairs(list) do check_name(self, name) end", "" },
    { "what the sender names fills the memory", "if self.kept >= MAX_KEPT then self.matching, self.kept = {}, 0 end", "" },
    { "nil and an error is a success", "if not result then return err end", "" },
    { "false is a success", "if result == false and err == nil then return \"a handler returned false\" end", "" },
    { "a permanent failure that is dropped is not named", "if not is_dropped or permanent.is(err) then return end", "if true then return end" },
    { "a permanent failure that is returned is named, too", "if not is_dropped or permanent.is(err) then return end", "if not is_dropped then return end" },
    { "errors in on_error have no traceback", "add_failure(errs, tracebacks, problem, where)", "add_failure(errs, tracebacks, problem)", spec = "spec/handlers_leaving_spec.lua" },
    { "a handler may end its request", "runtime.forbid_exit(failure_of, \"a handler\")", "", spec = "spec/nginx_handlers_spec.lua" },
  },
  {
    file = "lua/apivideo/permanent.lua", spec = "spec/handlers_spec.lua",
    { "another task's permanent failure counts", "latest[current_task()] = {", "latest[MAIN] = {" },
  },
  {
    file = "lua/apivideo/failure.lua", spec = "spec/failure_spec.lua",
    { "an object that cannot be shown raises", "local ok, text = pcall(tostring, value)", "local ok, text = true, tostring(value)" },
    { "tables are addresses", "redact.text(has_text(err) and string_of(err) or fields_of(err))", "redact.text(string_of(err))" },
    { "secret fields are shown", "if type(key) == \"string\" and redact.is_secret(key) then return \"***\" end", "" },
    { "a stack has any length", "if #frames > STACK_MAX_FRAMES then", "if false then" },
    { "an error that is caught becomes text", "if is_caught() then error(err, 0) end", "", spec = "spec/runtime_spec.lua" },
    { "an error that nothing catches stays a table", "if is_caught() then error(err, 0) end", "if true then error(err, 0) end", spec = "spec/runtime_spec.lua" },
  },
}
