--- `apivideo inbox resume`: continues the handling of events.

return require("apivideo.cli.inbox.switch").new {
  description = "Continues the handling of events after inbox pause; with --type, also of a type that a"
    .. " worker has paused after failures. '*' are all paused types.",
  paused = false, done = "resumed",
}
