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
      ["apivideo.error"] = "lua/apivideo/error.lua",
      ["apivideo.events.definition"] = "lua/apivideo/events/definition.lua",
      ["apivideo.events.handler_call"] = "lua/apivideo/events/handler_call.lua",
      ["apivideo.events.handlers"] = "lua/apivideo/events/handlers.lua",
      ["apivideo.events.init"] = "lua/apivideo/events/init.lua",
      ["apivideo.events.key"] = "lua/apivideo/events/key.lua",
      ["apivideo.events.permanent"] = "lua/apivideo/events/permanent.lua",
      ["apivideo.events.registry"] = "lua/apivideo/events/registry.lua",
      ["apivideo.events.types"] = "lua/apivideo/events/types.lua",
      ["apivideo.inbox.claim"] = "lua/apivideo/inbox/claim.lua",
      ["apivideo.inbox.group"] = "lua/apivideo/inbox/group.lua",
      ["apivideo.inbox.init"] = "lua/apivideo/inbox/init.lua",
      ["apivideo.inbox.item"] = "lua/apivideo/inbox/item.lua",
      ["apivideo.inbox.memory"] = "lua/apivideo/inbox/memory.lua",
      ["apivideo.inbox.redis.clients"] = "lua/apivideo/inbox/redis/clients.lua",
      ["apivideo.inbox.redis.init"] = "lua/apivideo/inbox/redis/init.lua",
      ["apivideo.inbox.redis.options"] = "lua/apivideo/inbox/redis/options.lua",
      ["apivideo.inbox.redis.prelude"] = "lua/apivideo/inbox/redis/prelude.lua",
      ["apivideo.inbox.redis.script_runner"] = "lua/apivideo/inbox/redis/script_runner.lua",
      ["apivideo.inbox.redis.scripts"] = "lua/apivideo/inbox/redis/scripts.lua",
      ["apivideo.inbox.settlement"] = "lua/apivideo/inbox/settlement.lua",
      ["apivideo.inbox.spool"] = "lua/apivideo/inbox/spool.lua",
      ["apivideo.inbox.sqlite.connection"] = "lua/apivideo/inbox/sqlite/connection.lua",
      ["apivideo.inbox.sqlite.init"] = "lua/apivideo/inbox/sqlite/init.lua",
      ["apivideo.inbox.sqlite.operations"] = "lua/apivideo/inbox/sqlite/operations.lua",
      ["apivideo.inbox.sqlite.schema"] = "lua/apivideo/inbox/sqlite/schema.lua",
      ["apivideo.inbox.sqlite.statements"] = "lua/apivideo/inbox/sqlite/statements.lua",
      ["apivideo.inbox.store"] = "lua/apivideo/inbox/store.lua",
      ["apivideo.inbox.upkeep"] = "lua/apivideo/inbox/upkeep.lua",
      ["apivideo.inbox.work_options"] = "lua/apivideo/inbox/work_options.lua",
      ["apivideo.inbox.worker"] = "lua/apivideo/inbox/worker.lua",
      ["apivideo.init"] = "lua/apivideo/init.lua",
      ["apivideo.receiver.init"] = "lua/apivideo/receiver/init.lua",
      ["apivideo.receiver.metrics"] = "lua/apivideo/receiver/metrics.lua",
      ["apivideo.receiver.mismatch"] = "lua/apivideo/receiver/mismatch.lua",
      ["apivideo.receiver.nginx"] = "lua/apivideo/receiver/nginx.lua",
      ["apivideo.receiver.options"] = "lua/apivideo/receiver/options.lua",
      ["apivideo.receiver.outcome_log"] = "lua/apivideo/receiver/outcome_log.lua",
      ["apivideo.receiver.request"] = "lua/apivideo/receiver/request.lua",
      ["apivideo.receiver.secret_source"] = "lua/apivideo/receiver/secret_source.lua",
      ["apivideo.receiver.verification"] = "lua/apivideo/receiver/verification.lua",
      ["apivideo.resources.captions"] = "lua/apivideo/resources/captions.lua",
      ["apivideo.resources.collection"] = "lua/apivideo/resources/collection.lua",
      ["apivideo.resources.live_streams"] = "lua/apivideo/resources/live_streams.lua",
      ["apivideo.resources.objects"] = "lua/apivideo/resources/objects.lua",
      ["apivideo.resources.pages"] = "lua/apivideo/resources/pages.lua",
      ["apivideo.resources.summaries"] = "lua/apivideo/resources/summaries.lua",
      ["apivideo.resources.videos"] = "lua/apivideo/resources/videos.lua",
      ["apivideo.resources.webhooks.definition"] = "lua/apivideo/resources/webhooks/definition.lua",
      ["apivideo.resources.webhooks.init"] = "lua/apivideo/resources/webhooks/init.lua",
      ["apivideo.resources.webhooks.recovery"] = "lua/apivideo/resources/webhooks/recovery.lua",
      ["apivideo.resources.webhooks.rotate"] = "lua/apivideo/resources/webhooks/rotate.lua",
      ["apivideo.resources.webhooks.secrets"] = "lua/apivideo/resources/webhooks/secrets.lua",
      ["apivideo.resources.webhooks.sync"] = "lua/apivideo/resources/webhooks/sync.lua",
      ["apivideo.runtime.cancellation"] = "lua/apivideo/runtime/cancellation.lua",
      ["apivideo.runtime.dictionary"] = "lua/apivideo/runtime/dictionary.lua",
      ["apivideo.runtime.host"] = "lua/apivideo/runtime/host.lua",
      ["apivideo.runtime.init"] = "lua/apivideo/runtime/init.lua",
      ["apivideo.runtime.latches"] = "lua/apivideo/runtime/latches.lua",
      ["apivideo.runtime.log"] = "lua/apivideo/runtime/log.lua",
      ["apivideo.runtime.nginx"] = "lua/apivideo/runtime/nginx.lua",
      ["apivideo.runtime.parallel"] = "lua/apivideo/runtime/parallel.lua",
      ["apivideo.runtime.signals"] = "lua/apivideo/runtime/signals.lua",
      ["apivideo.runtime.single_flight"] = "lua/apivideo/runtime/single_flight.lua",
      ["apivideo.runtime.standalone"] = "lua/apivideo/runtime/standalone.lua",
      ["apivideo.runtime.time_slice"] = "lua/apivideo/runtime/time_slice.lua",
      ["apivideo.runtime.timers"] = "lua/apivideo/runtime/timers.lua",
      ["apivideo.runtime.watches"] = "lua/apivideo/runtime/watches.lua",
      ["apivideo.transport.call"] = "lua/apivideo/transport/call.lua",
      ["apivideo.transport.call_options"] = "lua/apivideo/transport/call_options.lua",
      ["apivideo.transport.hooks"] = "lua/apivideo/transport/hooks.lua",
      ["apivideo.transport.http"] = "lua/apivideo/transport/http.lua",
      ["apivideo.transport.rate_limit"] = "lua/apivideo/transport/rate_limit.lua",
      ["apivideo.transport.response"] = "lua/apivideo/transport/response.lua",
      ["apivideo.transport.retry"] = "lua/apivideo/transport/retry.lua",
      ["apivideo.transport.token_bucket"] = "lua/apivideo/transport/token_bucket.lua",
      ["apivideo.util.ascii"] = "lua/apivideo/util/ascii.lua",
      ["apivideo.util.backoff"] = "lua/apivideo/util/backoff.lua",
      ["apivideo.util.constructor"] = "lua/apivideo/util/constructor.lua",
      ["apivideo.util.failure"] = "lua/apivideo/util/failure.lua",
      ["apivideo.util.headers"] = "lua/apivideo/util/headers.lua",
      ["apivideo.util.http_date"] = "lua/apivideo/util/http_date.lua",
      ["apivideo.util.json"] = "lua/apivideo/util/json.lua",
      ["apivideo.util.options"] = "lua/apivideo/util/options.lua",
      ["apivideo.util.pcall"] = "lua/apivideo/util/pcall.lua",
      ["apivideo.util.random"] = "lua/apivideo/util/random.lua",
      ["apivideo.util.redact"] = "lua/apivideo/util/redact.lua",
      ["apivideo.util.tables"] = "lua/apivideo/util/tables.lua",
      ["apivideo.util.url"] = "lua/apivideo/util/url.lua",
      ["apivideo.util.whitespace"] = "lua/apivideo/util/whitespace.lua",
      ["apivideo.version"] = "lua/apivideo/version.lua",
    },
    conf = { "LICENSE" },
  },
}
test = {
  type = "busted",
}
