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
  license = "MIT",
  labels = { "webhooks", "http", "video" },
}
dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson >= 2.1",
}
-- By library: a header of curl is below a directory of the architecture on Debian.
external_dependencies = {
  CURL = { library = "curl" },
  CRYPTO = { library = "crypto" },
}
build = {
  type = "make",
  build_target = "rock-library",
  install_target = "install-library",
  build_variables = {
    CC = "$(CC)", CFLAGS = "$(CFLAGS)", LIBFLAG = "$(LIBFLAG)", LUA_INCDIR = "$(LUA_INCDIR)",
    CURL_INCDIR = "$(CURL_INCDIR)", CURL_LIBDIR = "$(CURL_LIBDIR)",
    CRYPTO_LIBDIR = "$(CRYPTO_LIBDIR)",
  },
  install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)" },
}
