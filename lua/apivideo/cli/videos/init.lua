--- The commands `apivideo videos …`, as data: see apivideo.cli.commands.

---@type apivideo.cli.Command[]
return {
  { name = "list", module = "apivideo.cli.videos.list", summary = "Print the videos of an account." },
  { name = "status", module = "apivideo.cli.videos.status",
    summary = "Print the state of a video and its qualities." },
  { name = "wait", module = "apivideo.cli.videos.wait", summary = "Wait until a video is ready." },
}
