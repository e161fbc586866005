--- The commands, as data: names, summaries and modules. A module is loaded only when its command is used; so is the list
--- of a group's commands.

---@class apivideo.cli.Command
---@field name string
---@field summary string one sentence, for the list of commands
---@field module? string it has `define(sub)` and `run(arguments, out)`
---@field group? string instead, of a group: the module with the list of its commands

---@type apivideo.cli.Command[]
local commands = {
  { name = "emulate", module = "apivideo.cli.emulate",
    summary = "Run a local api.video, which sends signed deliveries." },
  { name = "listen", module = "apivideo.cli.listen",
    summary = "Receive deliveries, print each, and optionally forward or save it." },
  { name = "resend", module = "apivideo.cli.resend",
    summary = "Send deliveries again that listen --save or inbox export has written." },
  { name = "trigger", module = "apivideo.cli.trigger",
    summary = "Send signed deliveries: an event, or all events of an upload or a recording." },
  { name = "sign", module = "apivideo.cli.sign", summary = "Print the signature of a body." },
  { name = "verify", module = "apivideo.cli.verify", summary = "Check the signature of a body." },
  { name = "webhooks", group = "apivideo.cli.webhooks", summary = "Manage the webhooks of an account." },
  { name = "videos", group = "apivideo.cli.videos", summary = "Look at videos, and wait until they are ready." },
  { name = "live-streams", group = "apivideo.cli.live_streams", summary = "Look at live streams." },
  { name = "request", module = "apivideo.cli.request", summary = "Call any endpoint of the API." },
  { name = "reconcile", module = "apivideo.cli.reconcile",
    summary = "Find events that did not come, by reading the state of an account." },
  { name = "doctor", module = "apivideo.cli.doctor",
    summary = "Check the key, the webhooks, the inbox, the libraries and the settings." },
  { name = "inbox", group = "apivideo.cli.inbox", summary = "Look into an inbox, and operate it." },
  { name = "completion", module = "apivideo.cli.completion",
    summary = "Print a script that completes the command's arguments in bash, zsh or fish." },
}

return commands
