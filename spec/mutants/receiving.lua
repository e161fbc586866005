--- Checks of the server, the receiver and their responses.

return {
  {
    file = "src/server/connections.c", spec = "spec/server/deadlines_spec.lua",
    { "requests may take any time", [[queue->first->deadline <= now ?]], [[queue->first->deadline < 0 ?]] },
    { "unread connections are closed at the timeout", [[if (!extend(self, one)) end(self, one);]], [[end(self, one);]] },
    { "unread connections are evicted", [[if (extend(self, oldest)) continue;]], "" },
    { "new connections are evicted at once", [[return oldest->deadline - (long long)self->timeout * 1000 + EVICTION_AGE_MS;]], [[return 0;]] },
    { "responses may be received at any time", [[while ((one = expired(&self->sending, now)) != NULL) end(self, one);]], [[;]] },
  },
  {
    file = "src/server/listening.c", spec = "spec/server/hostile_spec.lua",
    { "any number of connections is accepted", [[self->connection_count >= self->max_connections &&
      !(has_incoming(self) && server_connections_evict(self))]], [[false]], spec = "spec/server/deadlines_spec.lua" },
    { "no connection is evicted when descriptors are out", [[if (problem == EMFILE && server_connections_evict(self)) return;]], "" },
    { "connections in use stay open", [[return self->listening >= 0 && !can_admit(self) && has_incoming(self);]], [[return false;]], spec = "spec/server/deadlines_spec.lua" },
    { "descriptors are not counted at the start", [[limit.rlim_cur >= needed]], [[true]] },
  },
  {
    file = "src/server/body.c", spec = "spec/server/hostile_spec.lua",
    { "a body may have any size", [[request->is_too_large || len > self->max_body - request->body_len]], [[request->is_too_large]], spec = "spec/server/server_spec.lua" },
    { "all bodies together may have any size", [[self->body_memory + more > self->max_body + SHARED_MAX]], [[false]] },
    { "a connection may spin", [[if (had_unread && request->has_unread) server_connections_end]], [[if (false) server_connections_end]], spec = "spec/server/malformed_spec.lua" },
    { "a pause between chunks counts as a stall", [[request->has_unread = server_connections_has_unread(request->connection);]], [[request->has_unread = true;]], spec = "spec/server/malformed_spec.lua" },
    { "a body within its limit has no room", [[  if (size > self->max_body) size = self->max_body;]], "" },
    { "the request with the smallest unfinished body is ended", [[each->body_size > found->body_size ||]], [[each->body_size < found->body_size ||]] },
  },
  {
    file = "src/server/framing.c", spec = "spec/server/malformed_spec.lua",
    { "two lengths are accepted", [[found->framing_fields <= 1 &&]], "" },
    { "HTTP/1.0 may have an encoding", [[!(found->is_chunked && is_http_1_0) &&]], "" },
    { "paths need not be decodable", [[is_decodable(text);]], "true;" },
    { "names need not be tokens", [[!http_is_token(name, len) || ]], "" },
    { "control characters are accepted", [[ || (value != NULL && !http_is_clean(value, value_len))]], "", spec = "spec/server/fuzz_findings_spec.lua" },
    { "names are compared in the process's locale", [[if (ascii_is_word(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING))]],
      [[if (len == 17 && strncasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING, len) == 0)]], spec = "spec/server/locale_spec.lua" },
  },
  {
    file = "src/server/header_section.c", spec = "spec/server/malformed_spec.lua", -- each for libmicrohttpd before 1.0
    { "a NUL in the target is hidden", [[line->version != line->url + strlen(line->target) + 1 ||]], "" },
    { "spaces before the target are hidden", [[line->url != line->method + strlen(line->method) + 1 ||]], "" },
    { "lines may end in a bare LF", [[return end[0] == '\0' && end[1] == '\0' ? end + 2 : NULL;]], [[return end + (end[1] == '\0' ? 2 : 1);]] },
    { "bytes between headers are hidden", [[const bool is_next = name == at->next;]], [[const bool is_next = true;]] },
    { "the end of the header section is not checked", [[&& ends_at(connection, line->method, at.next, count)]], "" },
  },
  {
    file = "src/server/request.c", spec = "spec/server/malformed_spec.lua",
    { "the whitespace after a value stays", [[    header->value_len--;]], [[    break;]] },
    { "announced bodies of any size are read", [[? server_response_reject(self, connection, MHD_HTTP_CONTENT_TOO_LARGE)
             : MHD_YES;]], [[? MHD_YES
             : MHD_YES;]], spec = "spec/server/server_spec.lua" },
    { "a connection expires while its request is handled", [[  server_connections_handle(request->connection);]], "", spec = "spec/server/deadlines_spec.lua" },
    { "a request that libmicrohttpd does not complete leaks", [[one != NULL && one->request != NULL)]], [[false)]], spec = "spec/server/hostile_spec.lua" },
    { "requests in the queue can be responded to", [[ && request->awaits_response ? request]], [[ ? request]], spec = "spec/server/reentry_spec.lua" },
  },
  {
    file = "src/server/server.c", spec = "spec/server/malformed_spec.lua",
    { "any version of libmicrohttpd is accepted", [[  if (!check_library(self)) return false;]], "", spec = "spec/server/listen_spec.lua" },
    { "header sections may have 256 KB", [[((size_t)16 * 1024)]], [[((size_t)256 * 1024)]] },
    { "a forked child stops the parent's server", [[  if (is_forked(self)) abandon(self);]], "", spec = "spec/server/fork_spec.lua" },
    { "a forked child keeps the connections open", [[(void)close(one->fd);]], [[;]], spec = "spec/server/fork_spec.lua" },
  },
  {
    file = "src/server/listening.c", spec = "spec/server/listen_spec.lua",
    { "only the first address is tried", [[each = each->ai_next]], [[each = NULL]] },
    { "with a port in use, the server listens on another address", [[    if (concerns_port(problem)) return problem;]], "" },
    { "the soft limit of descriptors stays", [[setrlimit(RLIMIT_NOFILE, &limit) == 0]], [[false]] },
  },
  {
    file = "src/server/server_lua.c", spec = "spec/server/reentry_spec.lua",
    { "a request that a finalizer took is returned again", [[if (server_take(self, copy->id)) break;]], [[(void)server_take(self, copy->id);
    break;]] },
    { "a forked child uses the server", [[  server_close_if_forked(self);]], "", spec = "spec/server/fork_spec.lua" },
  },
  {
    file = "src/server/response.c", spec = "spec/server/server_spec.lua",
    { "headers may contain a NUL", "value_len > 0 && http_is_clean(value, value_len)", "value_len > 0" },
    { "a request may follow a chunked one", [[self->is_stopping || request->is_chunked ||]], [[self->is_stopping ||]], spec = "spec/server/malformed_spec.lua" },
    { "a request may follow a chunked one when memory is out", [[ && request->is_chunked)]], [[ && false)]], spec = "spec/server/out_of_memory_spec.lua" },
    { "a response has the deadline of a request", [[server_connections_send(self, request->connection);]], [[server_connections_receive(self, request->connection);]], spec = "spec/server/deadlines_spec.lua" },
  },
  {
    file = "src/core/signals.c", spec = "spec/runtime/signals_spec.lua",
    { "a forked child's signals stop its parent", [[catcher != NULL && catcher->pid != getpid()]], [[false]] },
    { "the signals stay caught", [[(void)sigaction(numbers[i], &self->before[i], NULL);
    if]], [[;
    if]] },
    { "a blocked server cannot be ended", [[_exit(128 + number);]], [[;]] },
  },
  {
    file = "lua/apivideo/emulator/tokens.lua", spec = "spec/server/locale_spec.lua",
    { "schemes are compared in the process's locale", [["^[Bb][Aa][Ss][Ii][Cc] +(.*)$"]], [["^[Bb][Aa][Ss]i[Cc] +(.*)$"]] },
  },
  {
    file = "lua/apivideo/server/init.lua", spec = "spec/server/lifecycle_spec.lua",
    { "current requests are cut off", "self._drained:wait(grace or GRACE_S)", "" },
  },
  {
    file = "lua/apivideo/server/workers.lua", spec = "spec/server/server_spec.lua",
    { "a failed handler gets no response", "self._core:respond(id, 500) -- before the report: if memory is out, that fails", "" },
    { "a handler that yields elsewhere gets no response", "    self._core:respond(id, 500)\n    self._send()", "    self._send()" },
  },
  {
    file = "lua/apivideo/receiver/request.lua", spec = "spec/receiver/receiver_spec.lua",
    { "any method is accepted", "if method ~= \"POST\" then", "if false then" },
    { "bodies of any size are accepted", "if size > receiver.max_body then", "if false then" },
    { "an unsigned body that is not an event is stored", "if not source then return nil, 400, err end", "", spec = "spec/inbox/unparsed_spec.lua" },
    { "a body that was not read is an empty one", "local err = unread_body(list)", "local err", spec = "spec/receiver/health_spec.lua" },
    { "a decoded body is accepted", "if type(raw) ~= \"string\" then", "if false then", spec = "spec/core/bytes_only_spec.lua" },
  },
  {
    file = "lua/apivideo/receiver/init.lua", spec = "spec/receiver/receiver_spec.lua",
    { "a rejection is acknowledged", "if not delivery then return reject(self, status, err, started) end", "if not delivery then return 204 end", spec = "spec/inbox/unparsed_spec.lua" },
    { "signed bytes that cannot be parsed are lost", "if self._inbox then return store(self, delivery, started) end\n  if not delivery.event", "if self._inbox and delivery.event then return store(self, delivery, started) end\n  if not delivery.event", spec = "spec/inbox/unparsed_spec.lua" },
    { "health checks are deliveries", "if path and path == self._health and may_be_health_check(self, method) then", "if false then", spec = "spec/receiver/health_spec.lua" },
    { "a health check ignores the store", "(not self._inbox or self._inbox:_is_available()) and 200 or 503", "200", spec = "spec/receiver/health_spec.lua" },
    { "failed handlers are acknowledged", "(self._defer or not errs) and 204 or 500", "204" },
    { "a delivery that was not stored is acknowledged", "if is_new == nil then return reject(self, 503, err, started) end", "", spec = "spec/inbox/inbox_spec.lua" },
    { "a log that fails costs the event", "local ok, problem = protected.call(self._log or outcome_log, outcome)",
      "local ok, problem = true, (self._log or outcome_log)(outcome)" },
    { "a body that nginx has deleted is an empty one", "  if err then\n    status = reject", "  if err then\n    raw, size = \"\", 0\n  end\n  if false then\n    status = reject", spec = "spec/nginx/body_spec.lua" },
  },
  {
    file = "lua/apivideo/receiver/outcome_log.lua", spec = "spec/inbox/unparsed_spec.lua",
    { "signed bytes are logged whole", ":sub(1, BODY_SHOWN_MAX_BYTES)", "" },
    { "signed bytes are not logged", ".. \"; the body: \" .. shown_body(outcome.delivery.raw)", "" },
  },
  {
    file = "lua/apivideo/receiver/nginx.lua", spec = "spec/nginx/receiver_spec.lua",
    { "bodies in files are lost", "if path then return read_file(path, max_bytes) end", "" },
    { "precontent has no body", "access = true, precontent = true,", "access = true,", spec = "spec/nginx/phases_spec.lua" },
    { "requests of the module stream are HTTP", "if ngx.config and ngx.config.subsystem", "if false and ngx.config.subsystem", spec = "spec/nginx/phases_spec.lua" },
    { "a body that nginx has deleted raises", "if not file then return nil, nil, unreadable(problem, errno, max_bytes) end", "assert(file)", spec = "spec/nginx/body_spec.lua" },
    { "announced bodies of any size are read", "if announced and announced > max_bytes then return \"\", announced end", "" },
    { "handlers of a client that left are ended", "ngx.on_abort(ignore_abort)", "" },
    { "a response that a handler sent is completed", "if ngx.headers_sent then return end_sent(status) end", "", spec = "spec/nginx/handlers_spec.lua" },
  },
  {
    file = "lua/apivideo/events/handlers.lua", spec = "spec/events/handlers_spec.lua",
    { "a failure prevents the other handlers from running", "    local err, traceback = run(functions[i], event, delivery)\n",
      "    local err, traceback = run(functions[i], event, delivery)\n    if err ~= nil then return nil, { err } end\n" },
    { "types that the catalogue does not have can be registered", "if problem then error(\"handlers:on: \" .. problem, 2) end", "" },
    { "errors in on_error have no traceback", "add_failure(errs, tracebacks, problem, problem_traceback)", "add_failure(errs, tracebacks, problem)", spec = "spec/inbox/handlers_leaving_spec.lua" },
  },
  {
    file = "lua/apivideo/events/registry.lua", spec = "spec/events/handlers_spec.lua",
    { "types that the sender invents fill the memory", "if self.cached >= MAX_CACHED_TYPES then clear_cache(self) end", "" },
  },
  {
    file = "lua/apivideo/events/handler_call.lua", spec = "spec/events/handlers_spec.lua",
    { "nil and an error is a success", "if not result then return err end", "" },
    { "false is a success", "if result == false and err == nil then return \"a handler returned false\" end", "" },
    { "a permanent failure that is not returned is not logged", "if not is_unreturned or permanent.is(err) then return end", "if true then return end" },
    { "a permanent failure that is returned is logged, too", "if not is_unreturned or permanent.is(err) then return end", "if not is_unreturned then return end" },
    { "a handler may end its request", "runtime.forbid_exit(handler_call.run, \"a handler\")", "", spec = "spec/nginx/handlers_spec.lua" },
  },
  {
    file = "lua/apivideo/events/permanent.lua", spec = "spec/events/handlers_spec.lua",
    { "another task's permanent failure counts", "latest[current_task()] = {", "latest[MAIN] = {" },
  },
  {
    file = "lua/apivideo/util/failure.lua", spec = "spec/util/failure_spec.lua",
    { "an object that cannot be shown raises", "local ok, text = pcall(tostring, value)", "local ok, text = true, tostring(value)" },
    { "tables are addresses", "redact.text(has_text(err) and string_of(err) or fields_of(err))", "redact.text(string_of(err))" },
    { "secret fields are shown", "if type(key) == \"string\" and redact.is_secret(key) then return \"***\" end", "" },
    { "a stack has any length", "if #frames > STACK_MAX_FRAMES then", "if false then" },
    { "an error that is caught becomes text", "if is_caught() then error(err, 0) end", "", spec = "spec/runtime/runtime_spec.lua" },
    { "an error that nothing catches stays a table", "if is_caught() then error(err, 0) end", "if true then error(err, 0) end", spec = "spec/runtime/runtime_spec.lua" },
  },
}
