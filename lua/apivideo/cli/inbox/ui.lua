--- `apivideo inbox ui`: a web page that shows an inbox.

local numbers = require "apivideo.cli.numbers"
local page_server = require "apivideo.cli.page_server"
local store = require "apivideo.cli.store"

local ui = {}

--- Defines the subcommand.
function ui.define(sub)
  sub:description("Serves a web page that shows an inbox. With --write, entries can be queued again, and the inbox can"
    .. " be paused, too. On an address that other machines can reach, the URL has a token.")
  store.define(sub)
  sub:option("--port", "The port to listen on; 0: any free port."):argname "<port>"
    :default "8081":convert(numbers.port "--port")
  sub:option("--host", "The address to listen on."):argname "<address>":default "127.0.0.1"
  sub:flag("--write", "Allow the page to change the inbox.")
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function ui.run(arguments, out)
  return store.with(arguments, function(inbox)
    local stats, err = inbox:stats() -- a store that cannot be read ends the command
    if not stats then return 1, err end
    local url, self = page_server.open(arguments.host, arguments.port, { inbox = inbox, write = arguments.write })
    if not url then return 1, self end
    out:print({ page_url = url }, ("The inbox is at %s. Press Ctrl-C to stop."):format(url))
    local ok
    ok, err = self:run()
    return ok and 0 or 1, err
  end)
end

return ui
