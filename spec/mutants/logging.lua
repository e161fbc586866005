--- Mutants of the log, and of the lines about stores that work again.

return {
  {
    file = "lua/apivideo/runtime/log.lua", spec = "spec/runtime/log_spec.lua",
    { "each level is logged", "if log.enabled[level] then pcall", "if true then pcall" },
    { "a line that cannot be written breaks its caller", "pcall(put, level, message, fields)", "put(level, message, fields)" },
    { "a write that raises loses the line", "  write_by_default(level, message, fields)\n", "" },
    { "a write that raises is not logged", "write_by_default(\"error\", 'log: ", "tostring('log: " },
    { "options that are left out stay", "options.level or \"warn\"", "options.level or log.enabled.debug and \"debug\" or \"warn\"" },
    { "any level is accepted", "check_choice(\"level\", options.level, LEVELS)", "" },
    { "any format is accepted", "check_choice(\"format\", options.format, FORMATS)", "options.format = options.format == \"json\" and \"json\" or nil" },
  },
  {
    file = "lua/apivideo/util/date.lua", spec = "spec/runtime/log_spec.lua",
    { "the time is not UTC's", "os.date(\"!%Y", "os.date(\"%Y" },
  },
  {
    file = "lua/apivideo/runtime/nginx.lua", spec = "spec/nginx/log_spec.lua",
    { "the log's write may end a request", "runtime.forbid_exit(log.call_write, \"the option \\\"write\\\" of apivideo.log\")", "" },
  },
  {
    file = "lua/apivideo/runtime/log_line.lua", spec = "spec/runtime/log_spec.lua",
    { "a line has secrets", "redact.one_line(redact.text(text))", "redact.one_line(text)" },
    { "a line has line breaks", "redact.one_line(redact.text(text))", "redact.text(text)" },
    { "a line has any bytes", "return utf8.repaired(", "return (" },
    { "fields have any length", "return type(field) == \"number\" and (\"%.0f\"):format(field) or clean(field, VALUE_MAX_BYTES)",
      "return type(field) == \"number\" and (\"%.0f\"):format(field) or clean(field)" },
    { "a value looks like further fields", "if value:find \"^[A-Za-z0-9_.:/@+-]+$\" then", "if true then" },
    { "a quote ends a value", ":gsub('[\"\\\\]', \"\\\\%0\")", "" },
  },
  {
    file = "lua/apivideo/util/utf8.lua", spec = "spec/runtime/log_spec.lua",
    { "surrogates are characters", "\"^\\237[\\128-\\159][\\128-\\191]\"", "\"^\\237[\\128-\\191][\\128-\\191]\"" },
    { "characters of four bytes are lost", "\"^\\240[\\144-\\191][\\128-\\191][\\128-\\191]\", ", "" },
  },
  {
    file = "lua/apivideo/events/log_fields.lua", spec = "spec/receiver/outcome_log_spec.lua",
    { "values of any type are fields", "and not (type(value) == \"number\" and value % 1 == 0) then return end", "and value == nil then return end" },
    { "the entry has no id", "append(fields, \"entry_id\", entry_id)", "", spec = "spec/inbox/worker_log_spec.lua" },
  },
  {
    file = "lua/apivideo/receiver/outcome_log.lua", spec = "spec/receiver/outcome_log_spec.lua",
    { "a duplicate that cannot be parsed is an error again", "elseif outcome.is_new then\n    log.error", "else\n    log.error(\"\")\n  end\n  if outcome.status < 300 then\n    log.error" },
  },
  {
    file = "lua/apivideo/receiver/init.lua", spec = "spec/receiver/outcome_log_spec.lua",
    { "a success has no line", "handled == 0 or enabled.info then", "handled == 0 then" },
    { "a stored event has no line", "or not event and is_new or enabled.info then", "or not event and is_new then" },
    { "a duplicate has no line", "if self._on_outcome or enabled.info then", "if self._on_outcome then" },
    { "a deferred delivery has no line", "if enabled.info then outcome_log.deferred(delivery) end", "" },
  },
  {
    file = "lua/apivideo/inbox/settlement.lua", spec = "spec/inbox/worker_log_spec.lua",
    { "a completed event has no line", "or result.err or log.enabled.info) then return end", "or result.err) then return end" },
    { "on_settled replaces the log", "  call_with(result, \"the log of a result\", log_result)\n", "  if not worker.on_settled then call_with(result, \"the log of a result\", log_result) end\n" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = "spec/inbox/worker_store_spec.lua",
    { "an outage has no end", "if self.away_since then end_outage(self) end", "" },
    { "an outage ends again and again", "  self.away_since, self.away_reason = nil, nil\n", "" },
  },
  {
    file = "lua/apivideo/inbox/spool.lua", spec = "spec/inbox/spool_spec.lua",
    { "forwarded events do not end an outage", "  if self.away_since then end_outage(self) end\n  inbox_item", "  inbox_item" },
    { "an outage ends again and again", "  self.away_since = nil\n", "" },
  },
  {
    file = "lua/apivideo/receiver/dedupe.lua", spec = "spec/receiver/dedupe_spec.lua",
    { "a store that works again is not logged", "if self._failing_since and self._failures == failures then", "if false then" },
    { "a store that fails again works", "if self._failing_since and self._failures == failures then", "if self._failing_since then" },
  },
  {
    file = "lua/apivideo/transport/hooks.lua", spec = "spec/transport/hooks_spec.lua",
    { "attempts are logged with secrets", "log.debug(redact.text(text, call:secrets())", "log.debug(text" },
  },
}
