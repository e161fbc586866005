--- A program that prints its port, and ends at the end of its input.

local file = require "spec.support.file"
local wait_for = require "spec.support.wait"

---@class apivideo.bench.Program
---@field url string
---@field pid string
---@field stop fun()

--- Starts it.
---@param command string
---@return apivideo.bench.Program
return function(command)
  local path = os.tmpname()
  local pipe = assert(io.popen(("echo $$ > %s; exec %s >> %s"):format(path, command, path), "w"))
  wait_for(function() return file.read(path):find "^%d+\n%d+\n" end, command)
  local pid, port = file.read(path):match "^(%d+)\n(%d+)\n"
  os.remove(path)
  local function stop()
    os.execute(("kill %s 2> /dev/null"):format(pid)) -- programs that were started later may have inherited its pipe
    pipe:close()
  end
  return { url = "http://127.0.0.1:" .. port, pid = pid, stop = stop }
end
