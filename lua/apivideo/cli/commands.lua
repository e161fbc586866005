--- The commands, as data: names, summaries and modules. A module is loaded only when its command is used.

---@class apivideo.cli.Command
---@field name string
---@field summary string one sentence, for the list of commands
---@field module? string it has `define(sub)` and `run(arguments, out)`
---@field commands? apivideo.cli.Command[] instead of a module, the commands of a group

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
  { name = "webhooks", summary = "Manage the webhooks of an account.", commands = {
    { name = "list", module = "apivideo.cli.webhooks.list", summary = "Print the webhooks of an account." },
    { name = "get", module = "apivideo.cli.webhooks.get", summary = "Print one webhook." },
    { name = "create", module = "apivideo.cli.webhooks.create", summary = "Create a webhook." },
    { name = "delete", module = "apivideo.cli.webhooks.delete", summary = "Delete webhooks." },
    { name = "sync", module = "apivideo.cli.webhooks.sync", summary = "Make the webhooks of an account match a file." },
    { name = "rotate", module = "apivideo.cli.webhooks.rotate",
      summary = "Replace a webhook by one with a new secret." },
  } },
  { name = "videos", summary = "Look at videos, and wait until they are ready.", commands = {
    { name = "list", module = "apivideo.cli.videos.list", summary = "Print the videos of an account." },
    { name = "status", module = "apivideo.cli.videos.status",
      summary = "Print the state of a video and its qualities." },
    { name = "wait", module = "apivideo.cli.videos.wait", summary = "Wait until a video is ready." },
  } },
  { name = "live-streams", summary = "Look at live streams.", commands = {
    { name = "list", module = "apivideo.cli.live_streams.list", summary = "Print the live streams of an account." },
  } },
  { name = "request", module = "apivideo.cli.request", summary = "Call any endpoint of the API." },
  { name = "reconcile", module = "apivideo.cli.reconcile",
    summary = "Find events that did not come, by reading the state of an account." },
  { name = "doctor", module = "apivideo.cli.doctor",
    summary = "Check the key, the webhooks, the inbox, the libraries and the settings." },
  { name = "inbox", summary = "Look into an inbox, and operate it.", commands = {
    { name = "stats", module = "apivideo.cli.inbox.stats", summary = "Count the entries in each state." },
    { name = "list", module = "apivideo.cli.inbox.list", summary = "Print entries." },
    { name = "show", module = "apivideo.cli.inbox.show", summary = "Print one entry with its attempts." },
    { name = "redrive", module = "apivideo.cli.inbox.redrive", summary = "Queue dead letters again." },
    { name = "replay", module = "apivideo.cli.inbox.replay", summary = "Hand handled events to the handlers again." },
    { name = "purge", module = "apivideo.cli.inbox.purge", summary = "Remove entries." },
    { name = "pause", module = "apivideo.cli.inbox.pause", summary = "Stop the handling of events." },
    { name = "resume", module = "apivideo.cli.inbox.resume", summary = "Continue the handling of events." },
    { name = "migrate", module = "apivideo.cli.inbox.migrate",
      summary = "Bring an inbox to the form of this version." },
    { name = "export", module = "apivideo.cli.inbox.export", summary = "Write entries as JSON lines." },
    { name = "ui", module = "apivideo.cli.inbox.ui", summary = "Show the inbox on a web page." },
    { name = "import", module = "apivideo.cli.inbox.import", summary = "Put exported entries into an inbox." },
  } },
  { name = "completion", module = "apivideo.cli.completion",
    summary = "Print a script that completes the command's arguments in bash, zsh or fish." },
}

return commands
