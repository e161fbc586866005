rockspec_format = "3.0"
package = "apivideo-server"
version = "scm-1"
source = {
  url = "git+https://github.com/apivideo-lua/apivideo-lua.git",
}
description = {
  summary = "A standalone server, a local api.video and a command for apivideo",
  detailed = [[
    Receives api.video's webhooks without a web server beside it; a local api.video to test an
    application with; and the command `apivideo`: emulate, listen, trigger.]],
  homepage = "https://github.com/apivideo-lua/apivideo-lua",
  license = "MIT",
  labels = { "webhooks", "http", "server" },
}
dependencies = {
  "lua >= 5.1, < 5.5",
  "apivideo",
  "argparse >= 0.6",
}
external_dependencies = {
  MICROHTTPD = { library = "microhttpd" },
}
build = {
  type = "make",
  build_target = "rock-server",
  install_target = "install-server",
  build_variables = {
    CC = "$(CC)", CFLAGS = "$(CFLAGS)", LIBFLAG = "$(LIBFLAG)", LUA_INCDIR = "$(LUA_INCDIR)",
    MICROHTTPD_INCDIR = "$(MICROHTTPD_INCDIR)", MICROHTTPD_LIBDIR = "$(MICROHTTPD_LIBDIR)",
  },
  install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)", BINDIR = "$(BINDIR)" },
}
