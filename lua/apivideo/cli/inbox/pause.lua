--- `apivideo inbox pause`: stops the handling of events.

return require("apivideo.cli.inbox.switch").new {
  description = "Stops the handling of events, or of those of a type, in all processes, until inbox"
    .. " resume. Events are received as before.",
  paused = true, done = "paused; continue with: apivideo inbox resume%s",
}
