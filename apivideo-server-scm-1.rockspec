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
  issues_url = "https://github.com/apivideo-lua/apivideo-lua/issues",
  maintainer = "The apivideo for Lua authors",
  license = "MIT",
  labels = { "webhooks", "http", "server" },
}
supported_platforms = { "linux" } -- where it is tested; src/server/poller.h says what it does elsewhere
dependencies = {
  "lua >= 5.1, < 5.6",
  "apivideo",
  "argparse >= 0.6",
}
test_dependencies = {
  "busted >= 2.1",
  "luasocket >= 3.0",
}
external_dependencies = {
  MICROHTTPD = { library = "microhttpd" },
}
-- Not "builtin": that copies all of a directory lua/, the library's files included, whatever it lists.
build = {
  type = "command",
  build_command = [[
    mkdir -p build/rock/server &&
    $(CC) $(CFLAGS) -std=c99 -D_GNU_SOURCE -DNDEBUG -fPIC -fvisibility=hidden \
      -I$(LUA_INCDIR) -I$(MICROHTTPD_INCDIR) $(LIBFLAG) -o build/rock/server/core.so \
      src/server/*.c src/common/*.c -L$(MICROHTTPD_LIBDIR) -lmicrohttpd]],
  install = {
    lib = { ["apivideo.server.core"] = "build/rock/server/core.so" },
    -- Written by "make rockspecs".
    lua = {
      ["apivideo.cli.account"] = "lua/apivideo/cli/account.lua",
      ["apivideo.cli.assignments"] = "lua/apivideo/cli/assignments.lua",
      ["apivideo.cli.authority"] = "lua/apivideo/cli/authority.lua",
      ["apivideo.cli.body"] = "lua/apivideo/cli/body.lua",
      ["apivideo.cli.commands"] = "lua/apivideo/cli/commands.lua",
      ["apivideo.cli.completion"] = "lua/apivideo/cli/completion.lua",
      ["apivideo.cli.config"] = "lua/apivideo/cli/config.lua",
      ["apivideo.cli.confirmation"] = "lua/apivideo/cli/confirmation.lua",
      ["apivideo.cli.credential"] = "lua/apivideo/cli/credential.lua",
      ["apivideo.cli.doctor.account"] = "lua/apivideo/cli/doctor/account.lua",
      ["apivideo.cli.doctor.findings"] = "lua/apivideo/cli/doctor/findings.lua",
      ["apivideo.cli.doctor.init"] = "lua/apivideo/cli/doctor/init.lua",
      ["apivideo.cli.doctor.libraries"] = "lua/apivideo/cli/doctor/libraries.lua",
      ["apivideo.cli.doctor.machine"] = "lua/apivideo/cli/doctor/machine.lua",
      ["apivideo.cli.doctor.store"] = "lua/apivideo/cli/doctor/store.lua",
      ["apivideo.cli.emulate"] = "lua/apivideo/cli/emulate.lua",
      ["apivideo.cli.header_lines"] = "lua/apivideo/cli/header_lines.lua",
      ["apivideo.cli.help"] = "lua/apivideo/cli/help.lua",
      ["apivideo.cli.init"] = "lua/apivideo/cli/init.lua",
      ["apivideo.cli.json_line"] = "lua/apivideo/cli/json_line.lua",
      ["apivideo.cli.listen.account"] = "lua/apivideo/cli/listen/account.lua",
      ["apivideo.cli.listen.init"] = "lua/apivideo/cli/listen/init.lua",
      ["apivideo.cli.listen.options"] = "lua/apivideo/cli/listen/options.lua",
      ["apivideo.cli.listen.printing"] = "lua/apivideo/cli/listen/printing.lua",
      ["apivideo.cli.listen.public_webhook"] = "lua/apivideo/cli/listen/public_webhook.lua",
      ["apivideo.cli.listen.reception"] = "lua/apivideo/cli/listen/reception.lua",
      ["apivideo.cli.listen.records"] = "lua/apivideo/cli/listen/records.lua",
      ["apivideo.cli.listen.saving"] = "lua/apivideo/cli/listen/saving.lua",
      ["apivideo.cli.listen.tunnel"] = "lua/apivideo/cli/listen/tunnel.lua",
      ["apivideo.cli.misuse"] = "lua/apivideo/cli/misuse.lua",
      ["apivideo.cli.near_miss"] = "lua/apivideo/cli/near_miss.lua",
      ["apivideo.cli.numbers"] = "lua/apivideo/cli/numbers.lua",
      ["apivideo.cli.output"] = "lua/apivideo/cli/output.lua",
      ["apivideo.cli.private_file"] = "lua/apivideo/cli/private_file.lua",
      ["apivideo.cli.progress"] = "lua/apivideo/cli/progress.lua",
      ["apivideo.cli.reconcile"] = "lua/apivideo/cli/reconcile.lua",
      ["apivideo.cli.relay"] = "lua/apivideo/cli/relay.lua",
      ["apivideo.cli.resend"] = "lua/apivideo/cli/resend.lua",
      ["apivideo.cli.saved"] = "lua/apivideo/cli/saved.lua",
      ["apivideo.cli.saved_file"] = "lua/apivideo/cli/saved_file.lua",
      ["apivideo.cli.secrets"] = "lua/apivideo/cli/secrets.lua",
      ["apivideo.cli.selection"] = "lua/apivideo/cli/selection.lua",
      ["apivideo.cli.settings"] = "lua/apivideo/cli/settings.lua",
      ["apivideo.cli.sign"] = "lua/apivideo/cli/sign.lua",
      ["apivideo.cli.store"] = "lua/apivideo/cli/store.lua",
      ["apivideo.cli.trigger"] = "lua/apivideo/cli/trigger.lua",
      ["apivideo.cli.trigger_delivery"] = "lua/apivideo/cli/trigger_delivery.lua",
      ["apivideo.cli.trigger_events"] = "lua/apivideo/cli/trigger_events.lua",
      ["apivideo.cli.trigger_modes"] = "lua/apivideo/cli/trigger_modes.lua",
      ["apivideo.cli.url"] = "lua/apivideo/cli/url.lua",
      ["apivideo.cli.usage"] = "lua/apivideo/cli/usage.lua",
      ["apivideo.cli.verify"] = "lua/apivideo/cli/verify.lua",
      ["apivideo.emulator.api"] = "lua/apivideo/emulator/api.lua",
      ["apivideo.emulator.assets"] = "lua/apivideo/emulator/assets.lua",
      ["apivideo.emulator.broadcasts"] = "lua/apivideo/emulator/broadcasts.lua",
      ["apivideo.emulator.collection"] = "lua/apivideo/emulator/collection.lua",
      ["apivideo.emulator.control"] = "lua/apivideo/emulator/control.lua",
      ["apivideo.emulator.defaults"] = "lua/apivideo/emulator/defaults.lua",
      ["apivideo.emulator.deliveries"] = "lua/apivideo/emulator/deliveries.lua",
      ["apivideo.emulator.delivery_faults"] = "lua/apivideo/emulator/delivery_faults.lua",
      ["apivideo.emulator.encoding"] = "lua/apivideo/emulator/encoding.lua",
      ["apivideo.emulator.faults"] = "lua/apivideo/emulator/faults.lua",
      ["apivideo.emulator.history"] = "lua/apivideo/emulator/history.lua",
      ["apivideo.emulator.ids"] = "lua/apivideo/emulator/ids.lua",
      ["apivideo.emulator.init"] = "lua/apivideo/emulator/init.lua",
      ["apivideo.emulator.limits"] = "lua/apivideo/emulator/limits.lua",
      ["apivideo.emulator.live_streams"] = "lua/apivideo/emulator/live_streams.lua",
      ["apivideo.emulator.options"] = "lua/apivideo/emulator/options.lua",
      ["apivideo.emulator.pages"] = "lua/apivideo/emulator/pages.lua",
      ["apivideo.emulator.pattern"] = "lua/apivideo/emulator/pattern.lua",
      ["apivideo.emulator.problems"] = "lua/apivideo/emulator/problems.lua",
      ["apivideo.emulator.qualities"] = "lua/apivideo/emulator/qualities.lua",
      ["apivideo.emulator.query"] = "lua/apivideo/emulator/query.lua",
      ["apivideo.emulator.scenarios"] = "lua/apivideo/emulator/scenarios.lua",
      ["apivideo.emulator.schema"] = "lua/apivideo/emulator/schema.lua",
      ["apivideo.emulator.sender"] = "lua/apivideo/emulator/sender.lua",
      ["apivideo.emulator.summaries"] = "lua/apivideo/emulator/summaries.lua",
      ["apivideo.emulator.tokens"] = "lua/apivideo/emulator/tokens.lua",
      ["apivideo.emulator.uploads"] = "lua/apivideo/emulator/uploads.lua",
      ["apivideo.emulator.videos"] = "lua/apivideo/emulator/videos.lua",
      ["apivideo.emulator.webhooks"] = "lua/apivideo/emulator/webhooks.lua",
      ["apivideo.server.init"] = "lua/apivideo/server/init.lua",
      ["apivideo.server.request"] = "lua/apivideo/server/request.lua",
      ["apivideo.server.workers"] = "lua/apivideo/server/workers.lua",
    },
    bin = { "bin/apivideo" },
  },
}
test = {
  type = "busted",
}
