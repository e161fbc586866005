--- An output handler for busted: prints as plainTerminal does, and writes "passed failed skipped" at the end of the
--- run to the file that -Xoutput names, x.counts. An aborted run writes no counts. When a spec file begins, its
--- number and name are written to x.file.

local busted = require "busted"
local plain = require "busted.outputHandlers.plainTerminal"

return function(options)
  local handler = plain(options)
  local path = options.arguments[1]
  local count = 0
  busted.subscribe({ "file", "start" }, function(spec)
    count = count + 1
    local file = assert(io.open((path:gsub("counts$", "file")), "w"))
    file:write(count, " ", spec.name, "\n")
    file:close()
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    local file = assert(io.open(path, "w"))
    file:write(("%d %d %d\n"):format(handler.successesCount,
      handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    file:close()
    return nil, true
  end)
  return handler
end
