--- `apivideo inbox redrive`: queues dead letters again.

return require("apivideo.cli.inbox.change").new {
  description = "Queues dead letters again, with all their attempts: those that the options select, otherwise all.",
  method = "redrive", progress = "redriving", done = "queued again", states = { "dead" }, others = { done = "replay" },
  question = "Hand %s to the handlers again?",
}
