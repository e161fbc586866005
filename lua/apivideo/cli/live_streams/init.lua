--- The commands `apivideo live-streams …`, as data: see apivideo.cli.commands.

---@type apivideo.cli.Command[]
return {
  { name = "list", module = "apivideo.cli.live_streams.list", summary = "Print the live streams of an account." },
}
