--- An output handler for busted: prints as plainTerminal does, and writes "passed failed skipped" at the end of the
--- run to the file that -Xoutput names, x.counts. An aborted run writes no counts. When a spec file begins, its
--- number and name are written to x.file.

local busted = require "busted"
local plain = require "busted.outputHandlers.plainTerminal"

-- Fields of busted's elements that it needs until the end, for its report and its traces.
local NEEDED = { name = true, descriptor = true, attributes = true, trace = true, duration = true }

-- Drops the functions of a file that has run, and what they hold: its copy of the library. Busted would keep them until
-- the end, and each collection that a spec asks for would mark all of them.
local function release(element)
  for _, child in ipairs(busted.children(element)) do release(child) end
  for name in pairs(element) do
    local is_of_file = element.descriptor == "file" and (name == "run" or name == "env")
    if not NEEDED[name] and not is_of_file then element[name] = nil end
  end
end

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
  busted.subscribe({ "file", "end" }, function(spec)
    release(spec)
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
