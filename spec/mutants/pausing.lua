--- Mutants of how a worker of an inbox is steered and watched: circuit breaker, limits by type, metrics, health, migration.

local BREAKER, LIMITS = "spec/inbox/breaker_spec.lua", "spec/inbox/type_limits_spec.lua"
local METRICS, HEALTH, MIGRATION = "spec/inbox/metrics_spec.lua", "spec/inbox/health_spec.lua", "spec/inbox/migration_spec.lua"
local MEMORY, SQLITE, REDIS = "spec/inbox/memory_spec.lua", "spec/inbox/sqlite_spec.lua", "spec/inbox/redis_spec.lua"

return {
  {
    file = "lua/apivideo/inbox/breaker.lua", spec = BREAKER,
    { "a success does not end the row", "local count = reason and (self._failures[type] or 0) + 1 or nil", "local count = (self._failures[type] or 0) + (reason and 1 or 0)" },
    { "a type is paused one failure later", "if count == self._pause_after and not probe then", "if count == self._pause_after + 1 and not probe then" },
    { "a worker without pause_after ignores the probes of others", "if probe then on_probe(self, type, probe, reason) end", "if probe and self._pause_after then on_probe(self, type, probe, reason) end" },
    { "a probe that succeeds ends nothing", "self._store:resume(type, true)", "false" },
    { "a probe that succeeds ends an operator's pause", "self._store:resume(type, true)", "self._store:resume(type)" },
    { "a probe that fails begins the pause again", [[" still, since the probe has failed", true)]], [[" still, since the probe has failed")]] },
  },
  {
    file = "lua/apivideo/inbox/settlement.lua", spec = BREAKER,
    { "permanent failures are counted", "if not claim.type or errs and all_permanent(errs) then return end", "if not claim.type then return end" },
    { "an error in the breaker ends the settlement", "protected.xpcall(worker.breaker.note, failure.raised, worker.breaker,", "true, worker.breaker.note(worker.breaker," },
    { "a settled attempt counts against its limit", "if worker.limits then worker.limits:remove(claim) end", "", spec = LIMITS },
    { "an attempt whose report hangs has no result", "attempt.is_settled, attempt.disposition, attempt.seconds = true, result.disposition, result.seconds", "attempt.is_settled = true", spec = METRICS },
  },
  {
    file = "lua/apivideo/inbox/claim.lua", spec = BREAKER,
    { "a renewed probe does not delay the next one", "self._lease, self.probe and self.type)", "self._lease)" },
  },
  {
    file = "lua/apivideo/inbox/allowance.lua", spec = MEMORY,
    { "a claim has several probes", "or pause.probe_at > self._now or self.probed[name] then", "or pause.probe_at > self._now then" },
    { "an operator's pause has probes", "if not pause.probe_at or pause.probe_at > self._now", "if pause.probe_at and pause.probe_at > self._now" },
    { "a limit has one more", "limit and count >= limit.count", "limit and count > limit.count" },
    { "entries without a type are paused", "if not type then return true end", "if not type then return next(self._pauses) == nil end" },
    { "the next probe does not wait for the lease", "pause.probe_at = self._now + lease", "pause.probe_at = self._now" },
    { "the last limit that matches applies", "if covers(limit.type, type) then return limit end", "if covers(limit.type, type) and limit.type == type then return limit end" },
  },
  {
    file = "lua/apivideo/inbox/pauses.lua", spec = MEMORY,
    { "a worker replaces an operator's pause", "interval and known and not known.interval or", "" },
    { "a failed probe pauses a resumed type", "is_probe and not known", "false" },
    { "a probe ends an operator's pause", "is_probe and name == type and pause.interval", "is_probe and name == type" },
    { "a renewal brings the probe forward", "or pause.probe_at >= now + lease then", "then" },
    { "a renewal changes an operator's pause", "if not pause or not pause.interval", "if not pause" },
  },
  {
    file = "lua/apivideo/inbox/memory/queue.lua", spec = MEMORY,
    { "parked entries come after all others", "if below and each.id > below.id then return nil end", "if below then return nil end" },
    { "parked entries come before all others", "if below and each.id > below.id then return nil end", "" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/claiming.lua", spec = SQLITE,
    { "a claim forgets its probes", "if self.allowance:delay_probes(lease) then save(db, paused) end", "" },
    { "parked entries are not found", "has_parked and parked_heads(db, limit) or {}", "{}" },
    { "parked entries of one type are found", "while true do\n    local row", "for _ = 1, 1 do\n    local row" },
    { "a renewal of a lost probe delays the next one", "id, token, now) == 0 then return false end", "id, token, now) == 0 and not probed then return false end" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/schema.lua", spec = SQLITE,
    { "probes are not due after a restart", "  claiming.end_delays(db, last)\n", "" },
    { "a column of a later step decides the version", "oldest >= FIRST_WITH_SCHEMA and ", "", spec = MIGRATION },
    { "a file of a newer version is used", "if facts.oldest <= facts.newest then return nil end", "do return nil end", spec = MIGRATION },
    { "a newer file is noticed only when it is opened", [[if db:rows("usable_since")[1][1] <= schema.NEWEST then return end]], "do return end", spec = MIGRATION },
  },
  {
    file = "lua/apivideo/inbox/sqlite/migrate.lua", spec = MIGRATION,
    { "only one batch is filled", "until state.is_complete", "until true" },
    { "a dry run migrates", "options.dry_run and count_unfilled(db, has_types) or run(db, list, options.on_progress)", "run(db, list, options.on_progress)" },
    { "only the fills of new migrations run", "for _, migration in ipairs(migrations) do", "for _, migration in ipairs {} do" },
  },
  {
    file = "lua/apivideo/inbox/sqlite/steps.lua", spec = MIGRATION,
    { "a column is added twice", "if not has_column(db, step.of, step.column) then", "do" },
  },
  {
    file = "lua/apivideo/inbox/redis/claiming.lua", spec = REDIS,
    { "an event that waits for its lane is claimed", [[if lane ~= "" and call("HGET", heads, lane) ~= n then]], "if false then" },
    { "characters of a type are not escaped", [[return (kind:gsub("[%%:;]",]], [[return (kind:gsub("[%%;]",]] },
    { "a claim forgets its probes", "if next(probed) then save_pauses(paused) end", "" },
    { "a renewal does not delay the next probe", "  pause[1] = time + lease\n", "" },
    { "a failed probe pauses a resumed type", [[or ARGV[4] == "1" and not known]], "" },
  },
  {
    file = "lua/apivideo/inbox/type_limits.lua", spec = LIMITS,
    { "a claim that no task handles keeps its place", "if place.ends <= now then", "if false then" },
    { "a long attempt loses its place", "if self._claims[claim] then self._claims[claim].ends = math.huge end", "" },
    { "claims do not wait for each other", "self._claiming = done\n", "" },
    { "patterns come before types", "if is_pattern ~= is_other_pattern then return is_other_pattern end", "if is_pattern ~= is_other_pattern then return is_pattern end" },
  },
  {
    file = "lua/apivideo/inbox/pace.lua", spec = LIMITS,
    { "all turns are at once", "self._next = at + self._interval", "self._next = at" },
    { "an idle worker loses turns", "self._next = self._next - self._interval", "" },
    { "the work does not end before the turn", "while seconds > 0 and not is_ending() do", "while seconds > 0 do" },
  },
  {
    file = "lua/apivideo/inbox/worker.lua", spec = METRICS,
    { "an attempt whose report hangs is lost", [[attempt.disposition or "lost"]], [["lost"]] },
    { "an attempt whose report hangs has its time", "attempt.seconds or runtime.monotonic() - attempt.started", "runtime.monotonic() - attempt.started" },
  },
  {
    file = "lua/apivideo/inbox/metrics.lua", spec = METRICS,
    { "an attempt is counted twice", "if attempt.is_counted then return end", "" },
    { "handlers decide the type", "self._types[claim._type]", "self._types[claim.delivery.event and claim.delivery.event.type or claim._type]" },
    { "retries count as waiting", "if entry.attempt == 1 and not entry.replay then", "do" },
    { "a lost lease is a failure of the store", [[err.kind == "claim_lost" and "lost" or "failed"]], [["failed"]] },
    { "duplicates are stored", "is_new and puts.stored or is_new == nil and puts.failed or puts.duplicate", "is_new == nil and puts.failed or puts.stored" },
    { "a type stays paused", "for _, series in pairs(self._paused_types.series) do series:set(nil) end", "" },
  },
  {
    file = "lua/apivideo/inbox/measured_store.lua", spec = METRICS,
    { "errors of the store are no errors", "      errors:add(1)\n", "" },
  },
  {
    file = "lua/apivideo/inbox/health.lua", spec = HEALTH,
    { "a worker whose handlers run does not ask for events", "if seconds > CLAIM_MAX_AGE_S and next(worker.under_way) == nil then", "if seconds > CLAIM_MAX_AGE_S then" },
    { "a failed write is a failure for ever", "if not failed or seconds > health.FAILURE_MAX_AGE_S then", "if not failed then" },
    { "a failed claim is healthy", 'reasons.claim = failure_of(counts, "claim")', "" },
    { "a failed write hides another failed write", "reasons.store = reasons.store or failure_of(counts, name)", "reasons.store = failure_of(counts, name)" },
    { "a paused type is healthy", "elseif types then", "elseif false then" },
    { "the limit of dead letters is unhealthy", "if stats.dead > limits.max_dead then", "if stats.dead >= limits.max_dead then" },
    { "the spool has no age", "oldest = math.max(oldest or 0, wait_for_spool() or 0)", "wait_for_spool()" },
    { "a clock that is behind is healthy", "math.abs(offset) > CLOCK_MAX_OFFSET_S", "offset > CLOCK_MAX_OFFSET_S" },
    { "a store that raises ends the check", "if not ok then return nil, failure.message(result) end", "if not ok then error(result) end" },
  },
}
