--- The commands `apivideo inbox …`, as data: see apivideo.cli.commands.

---@type apivideo.cli.Command[]
return {
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
}
