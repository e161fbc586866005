--- `apivideo inbox resume`: continues the handling of events.

return require("apivideo.cli.inbox.switch").new {
  description = "Continues the handling of events after inbox pause.",
  method = "resume", paused = false, done = "resumed",
}
