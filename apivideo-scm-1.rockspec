rockspec_format = "3.0"
package = "apivideo"
version = "scm-1"
source = {
  url = "git+https://github.com/apivideo-lua/apivideo-lua.git",
}
description = {
  summary = "api.video's webhooks: manage them, verify and handle their events",
  detailed = [[
    Creates, lists, shows and deletes api.video's webhooks, and receives their deliveries: verified,
    parsed by a strict C parser, and handed to registered handlers, at once or from a durable inbox in
    SQLite (with luadbi-sqlite3) or Redis (with redis-lua, or lua-resty-redis in nginx).]],
  homepage = "https://github.com/apivideo-lua/apivideo-lua",
  issues_url = "https://github.com/apivideo-lua/apivideo-lua/issues",
  maintainer = "The apivideo for Lua authors",
  license = "MIT",
  labels = { "webhooks", "http", "video" },
}
dependencies = {
  "lua >= 5.1, < 5.6",
  "lua-cjson >= 2.1",
}
test_dependencies = {
  "busted >= 2.1",
  "luasocket >= 3.0",
}
-- By library: a header of curl is below a directory of the architecture on Debian.
external_dependencies = {
  CURL = { library = "curl" },
  CRYPTO = { library = "crypto" },
}
-- Not "builtin": that copies all of a directory lua/, the server's files included, whatever it lists.
build = {
  type = "command",
  build_command = [[
    mkdir -p build/rock/library &&
    $(CC) $(CFLAGS) -std=c99 -D_GNU_SOURCE -DNDEBUG -fPIC -fvisibility=hidden \
      -I$(LUA_INCDIR) -I$(CURL_INCDIR) -I$(CRYPTO_INCDIR) $(LIBFLAG) -o build/rock/library/core.so \
      src/core/*.c src/common/*.c -L$(CURL_LIBDIR) -L$(CRYPTO_LIBDIR) -lcurl -lcrypto]],
  copy_directories = { "docs", "examples" },
  install = {
    lib = { ["apivideo.core"] = "build/rock/library/core.so" },
    -- Written by "make rockspecs".
    lua = {
      ["apivideo.answer"] = "lua/apivideo/answer.lua",
      ["apivideo.call"] = "lua/apivideo/call.lua",
      ["apivideo.call_options"] = "lua/apivideo/call_options.lua",
      ["apivideo.cancellation"] = "lua/apivideo/cancellation.lua",
      ["apivideo.captions"] = "lua/apivideo/captions.lua",
      ["apivideo.client"] = "lua/apivideo/client.lua",
      ["apivideo.credentials"] = "lua/apivideo/credentials.lua",
      ["apivideo.dictionary"] = "lua/apivideo/dictionary.lua",
      ["apivideo.error"] = "lua/apivideo/error.lua",
      ["apivideo.event_types"] = "lua/apivideo/event_types.lua",
      ["apivideo.events"] = "lua/apivideo/events.lua",
      ["apivideo.failure"] = "lua/apivideo/failure.lua",
      ["apivideo.handlers"] = "lua/apivideo/handlers.lua",
      ["apivideo.headers"] = "lua/apivideo/headers.lua",
      ["apivideo.http"] = "lua/apivideo/http.lua",
      ["apivideo.identity"] = "lua/apivideo/identity.lua",
      ["apivideo.inbox"] = "lua/apivideo/inbox.lua",
      ["apivideo.inbox.claim"] = "lua/apivideo/inbox/claim.lua",
      ["apivideo.inbox.group"] = "lua/apivideo/inbox/group.lua",
      ["apivideo.inbox.item"] = "lua/apivideo/inbox/item.lua",
      ["apivideo.inbox.memory"] = "lua/apivideo/inbox/memory.lua",
      ["apivideo.inbox.redis"] = "lua/apivideo/inbox/redis.lua",
      ["apivideo.inbox.redis_clients"] = "lua/apivideo/inbox/redis_clients.lua",
      ["apivideo.inbox.redis_prelude"] = "lua/apivideo/inbox/redis_prelude.lua",
      ["apivideo.inbox.redis_scripts"] = "lua/apivideo/inbox/redis_scripts.lua",
      ["apivideo.inbox.settlement"] = "lua/apivideo/inbox/settlement.lua",
      ["apivideo.inbox.spool"] = "lua/apivideo/inbox/spool.lua",
      ["apivideo.inbox.sqlite"] = "lua/apivideo/inbox/sqlite.lua",
      ["apivideo.inbox.sqlite_connection"] = "lua/apivideo/inbox/sqlite_connection.lua",
      ["apivideo.inbox.sqlite_schema"] = "lua/apivideo/inbox/sqlite_schema.lua",
      ["apivideo.inbox.sqlite_statements"] = "lua/apivideo/inbox/sqlite_statements.lua",
      ["apivideo.inbox.upkeep"] = "lua/apivideo/inbox/upkeep.lua",
      ["apivideo.inbox.worker"] = "lua/apivideo/inbox/worker.lua",
      ["apivideo.init"] = "lua/apivideo/init.lua",
      ["apivideo.json"] = "lua/apivideo/json.lua",
      ["apivideo.live_streams"] = "lua/apivideo/live_streams.lua",
      ["apivideo.log"] = "lua/apivideo/log.lua",
      ["apivideo.metrics"] = "lua/apivideo/metrics.lua",
      ["apivideo.mismatch"] = "lua/apivideo/mismatch.lua",
      ["apivideo.nginx"] = "lua/apivideo/nginx.lua",
      ["apivideo.observe"] = "lua/apivideo/observe.lua",
      ["apivideo.options"] = "lua/apivideo/options.lua",
      ["apivideo.outcome_log"] = "lua/apivideo/outcome_log.lua",
      ["apivideo.parallel"] = "lua/apivideo/parallel.lua",
      ["apivideo.pcall"] = "lua/apivideo/pcall.lua",
      ["apivideo.permanent"] = "lua/apivideo/permanent.lua",
      ["apivideo.rate_limit"] = "lua/apivideo/rate_limit.lua",
      ["apivideo.receiver"] = "lua/apivideo/receiver.lua",
      ["apivideo.redact"] = "lua/apivideo/redact.lua",
      ["apivideo.resource"] = "lua/apivideo/resource.lua",
      ["apivideo.retry"] = "lua/apivideo/retry.lua",
      ["apivideo.runtime"] = "lua/apivideo/runtime.lua",
      ["apivideo.runtime.host"] = "lua/apivideo/runtime/host.lua",
      ["apivideo.runtime.latches"] = "lua/apivideo/runtime/latches.lua",
      ["apivideo.runtime.nginx"] = "lua/apivideo/runtime/nginx.lua",
      ["apivideo.runtime.signals"] = "lua/apivideo/runtime/signals.lua",
      ["apivideo.runtime.standalone"] = "lua/apivideo/runtime/standalone.lua",
      ["apivideo.runtime.timers"] = "lua/apivideo/runtime/timers.lua",
      ["apivideo.runtime.watches"] = "lua/apivideo/runtime/watches.lua",
      ["apivideo.secret_source"] = "lua/apivideo/secret_source.lua",
      ["apivideo.secrets"] = "lua/apivideo/secrets.lua",
      ["apivideo.single_flight"] = "lua/apivideo/single_flight.lua",
      ["apivideo.slices"] = "lua/apivideo/slices.lua",
      ["apivideo.summaries"] = "lua/apivideo/summaries.lua",
      ["apivideo.url"] = "lua/apivideo/url.lua",
      ["apivideo.verification"] = "lua/apivideo/verification.lua",
      ["apivideo.version"] = "lua/apivideo/version.lua",
      ["apivideo.videos"] = "lua/apivideo/videos.lua",
      ["apivideo.webhook"] = "lua/apivideo/webhook.lua",
      ["apivideo.webhooks"] = "lua/apivideo/webhooks.lua",
      ["apivideo.webhooks_rotate"] = "lua/apivideo/webhooks_rotate.lua",
      ["apivideo.webhooks_sync"] = "lua/apivideo/webhooks_sync.lua",
      ["apivideo.whitespace"] = "lua/apivideo/whitespace.lua",
    },
    conf = { "LICENSE" },
  },
}
test = {
  type = "busted",
}
