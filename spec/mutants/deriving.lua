--- Mutants of derived events: which follow, how often they are handled, and that a forged one is rejected.

local INBOX, EVENTS, TYPES = "spec/inbox/derived_spec.lua", "spec/events/ready_spec.lua", "spec/events/derived_spec.lua"

return {
  {
    file = "lua/apivideo/events/init.lua", spec = TYPES,
    { "a webhook can send a derived event", "if schema and not schema.derived or not derived.is(event.type) then return event end", "if event then return event end" },
    { "a dead letter becomes a derived event", 'if (entry.origin or "webhook") == "webhook" then return self:parse(entry.raw) end', "" },
  },
  {
    file = "lua/apivideo/events/registry.lua", spec = TYPES,
    { "patterns match derived events", "pairs(derived.is(name) and {} or self.by_prefix)", "pairs(self.by_prefix)" },
    { "the causes are not subscribed to", "for _, cause in ipairs(schema and schema.causes or {}) do types[cause] = true end", "" },
  },
  {
    file = "lua/apivideo/events/derivation.lua", spec = EVENTS,
    { "the status is taken as it is", "status = status and updated(status, event)", "" },
    { "the video of a handler changes", "local copy = tables.copy(status)", "local copy = status" },
    { "a quality that is not an object raises an error", 'type(quality) == "table"', "true" },
    { "a deleted video fails its event", 'if value or type(err) == "table" and err.kind == "not_found" then', "if value then" },
    { "a failed quality is taken as encoded", 'quality.status = event.type == FAILED and "failed" or "encoded"', 'quality.status = "encoded"' },
    { "a failed quality shows that a video is playable", "if event.type == FAILED or condition", "if condition" },
    { "one quality shows that all are encoded", 'event.type == FAILED or condition == "all"', "event.type == FAILED" },
    { "a quality that fails last is not noticed", "self._needs_status, self.causes[FAILED] = true, true", "self._needs_status = true" },
    { "a recording is ready before it is playable", 'if not status or not conditions.is_met("playable", status) then return true end', "" },
    { "the live stream is read for each quality", "  if id == false or id and #id <= ID_MAX_BYTES then self._streams:set(event.videoId, id) end\n", "" },
  },
  {
    file = "lua/apivideo/events/derived_delivery.lua", spec = EVENTS,
    { "an event that failed is not dispatched again", "    self._states:remove(key)\n", "" },
    { "an event is dispatched twice at once", "if seconds <= 0 then return false end", "do return false end" },
    { "a cause succeeds before the function of another one", "state.ended:wait(seconds)", "do return true end" },
  },
  {
    file = "lua/apivideo/events/recent.lua", spec = EVENTS,
    { "all keys are remembered", "if self.count >= self.limit then", "if false then" },
    { "a key that is removed comes back", "  self.old[key] = nil\n", "" },
    { "keys of any length are remembered", "#key <= KEY_MAX_BYTES and key or sign(key, \"recent\")", "key" },
  },
  {
    file = "lua/apivideo/events/delivered_video.lua", spec = "spec/events/delivered_video_spec.lua",
    { "each handler reads the video", "self._results[name] = result\n", "" },
    { "an error that may pass is kept", "if errors.is(err) and err.retryable then self._results[name] = nil end", "" },
  },
  {
    file = "lua/apivideo/events/handlers.lua", spec = EVENTS,
    { "events follow although a handler failed", "  if not count then return nil, errs, tracebacks end\n", "  count = count or 1\n" },
    { "otherwise gets the causes of derived events", " and not is_cause(self, event) then", " then" },
    { "otherwise gets derived events", " and not derived.is(event.type) and", " and", spec = TYPES },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = INBOX,
    { "derived events are handled without the inbox", "local derived = self.handlers._derivation and {} or nil", "local derived = nil" },
  },
  {
    file = "lua/apivideo/inbox/claim.lua", spec = INBOX,
    { "a handler changes the origin of a derived event", "derived_delivery.new(self._inbox.events, event, self._entry)", "derived_delivery.new(self._inbox.events, event, self.delivery)" },
    { "workers wait for the next poll", "if is_held and self.items then inbox:_announce() end", "" },
  },
  {
    file = "lua/apivideo/inbox/settlement.lua", spec = INBOX,
    { "a worker without handlers reports derived events", "result.handled == 0 and not derived.is(result.event.type)", "result.handled == 0" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/init.lua", spec = "spec/inbox/derived_process_spec.lua",
    { "derived events are put after their cause is complete", 'return attempt(self, "write", operations.complete, id, token, items, window, attempts, retains)',
      'local done = attempt(self, "write", operations.complete, id, token) if items then self:put(items, window) end return done' },
  },
  {
    file = "lua/apivideo/inbox/redis/init.lua", spec = "spec/inbox/derived_process_spec.lua",
    { "derived events are put before their cause is complete", 'return call_with_claim(self, "complete_and_put", arguments)',
      'self:put(items, window) return call_with_claim(self, "complete", { whole(id), whole(token) })' },
  },
  {
    file = "lua/apivideo/inbox/redis/settling.lua", spec = "spec/inbox/redis_spec.lua",
    { "a lost claim puts its items", 'if not record then return 0 end\nset_past(record, ARGV[3])\nlocal retains = ARGV[4] == "1"\n]=] .. "local', 'local retains\n]=] .. "local' },
  },
  {
    file = "lua/apivideo/inbox/memory/init.lua", spec = "spec/inbox/memory_spec.lua",
    { "items are not put", "if items then self:put(items, window) end", "" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/operations.lua", spec = "spec/inbox/sqlite_spec.lua",
    { "a lost claim puts its items", 'if not finish(db, id, statement, now, attempts, id, token, now) then return false end',
      'local held = finish(db, id, statement, now, attempts, id, token, now)' },
  },
}
