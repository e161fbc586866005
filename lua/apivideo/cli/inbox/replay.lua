--- `apivideo inbox replay`: hands handled events to handlers again.

return require("apivideo.cli.inbox.change").new {
  description = "Queues events that were handled again, with the same key: those that the options select. The handlers"
    .. " see delivery.replay = true.",
  none = "; only an inbox with the option retain_bodies keeps handled events",
  method = "replay", progress = "replaying", done = "queued again", states = { "done" }, others = { dead = "redrive" },
  question = "Hand %s to the handlers again?",
}
