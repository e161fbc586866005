--- `apivideo inbox purge`: removes entries.

return require("apivideo.cli.inbox.change").new {
  description = "Removes entries that are dead or done, selected by --state dead, --state done or --id. A duplicate of"
    .. " an entry that was removed is handled as a new event.",
  method = "purge", progress = "removing", done = "removed", states = { "dead", "done" },
  problem = function(arguments)
    if arguments.state == "dead" or arguments.state == "done" or arguments.id and not arguments.state then return end
    return "entries that are dead or done can be removed; use --state dead, --state done or --id"
  end,
  question = "Remove %s for good?",
}
