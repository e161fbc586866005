--- `--save FILE`: appends each delivery to a file.

local private_file = require "apivideo.cli.private_file"
local saved = require "apivideo.cli.saved"

local saving = {}

-- Whether the file ends within a line: the process that wrote it was killed.
local function ends_within_line(path)
  local file = io.open(path, "rb")
  local last = file and file:seek("end", -1) and file:read(1)
  if file then file:close() end
  return last ~= nil and last ~= false and last ~= "\n"
end

--- Creates the hook that saves.
---@param path string
---@return nil|fun(exchange: apivideo.cli.listen.Exchange) hook it raises an error if the file cannot be written
---@return string? problem
function saving.new(path)
  local file, problem = private_file.open(path, "ab")
  if not file then return nil, "--save: " .. problem end
  local separator = ends_within_line(path) and "\n" or ""
  return function(exchange)
    local ok, message = file:write(separator, saved.encode(exchange), "\n")
    if ok then ok, message = file:flush() end
    -- A part of the line may be in the file, if the disk was full.
    separator = ok and "" or "\n"
    if not ok then error({ message = ("--save: %s: %s"):format(path, message) }, 0) end
  end
end

return saving
