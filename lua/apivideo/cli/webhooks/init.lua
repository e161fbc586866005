--- The commands `apivideo webhooks …`, as data: see apivideo.cli.commands.

---@type apivideo.cli.Command[]
return {
  { name = "list", module = "apivideo.cli.webhooks.list", summary = "Print the webhooks of an account." },
  { name = "get", module = "apivideo.cli.webhooks.get", summary = "Print one webhook." },
  { name = "create", module = "apivideo.cli.webhooks.create", summary = "Create a webhook." },
  { name = "delete", module = "apivideo.cli.webhooks.delete", summary = "Delete webhooks." },
  { name = "sync", module = "apivideo.cli.webhooks.sync", summary = "Make the webhooks of an account match a file." },
  { name = "rotate", module = "apivideo.cli.webhooks.rotate",
    summary = "Replace a webhook by one with a new secret." },
}
