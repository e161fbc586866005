rockspec_format = "3.0"
package = "apivideo-redis"
version = "scm-1"
source = {
  url = "git+https://github.com/apivideo-lua/apivideo-lua.git",
}
description = {
  summary = "Connections to Redis for apivideo's inbox",
  detailed = [[
    A durable inbox of apivideo in Redis or Valkey, outside of nginx, needs this module: connections
    that never block, with hiredis.]],
  homepage = "https://github.com/apivideo-lua/apivideo-lua",
  issues_url = "https://github.com/apivideo-lua/apivideo-lua/issues",
  maintainer = "The apivideo for Lua authors",
  license = "MIT",
  labels = { "webhooks", "redis" },
}
dependencies = {
  "lua >= 5.1, < 5.6",
  "apivideo",
}
external_dependencies = {
  HIREDIS = { library = "hiredis" },
  SSL = { library = "ssl" },
  CRYPTO = { library = "crypto" },
}
-- Not "builtin": that copies all of a directory lua/, the library's files included.
build = {
  type = "command",
  build_command = [[
    mkdir -p build/rock/redis &&
    $(CC) $(CFLAGS) -std=c99 -D_GNU_SOURCE -DNDEBUG -fPIC -fvisibility=hidden -pthread \
      -I$(LUA_INCDIR) -I$(HIREDIS_INCDIR) -I$(SSL_INCDIR) $(LIBFLAG) -o build/rock/redis/core.so \
      src/redis/*.c src/common/*.c -L$(HIREDIS_LIBDIR) -L$(SSL_LIBDIR) -L$(CRYPTO_LIBDIR) -lhiredis -lssl -lcrypto]],
  install = {
    lib = { ["apivideo.redis.core"] = "build/rock/redis/core.so" },
  },
}
