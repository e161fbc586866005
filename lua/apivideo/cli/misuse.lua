--- What a command raised. The library raises on invalid arguments, which is a usage error here; everything else that is
--- raised is a bug.

local version = require "apivideo.version"

local misuse = {}

--- The status of a command that Ctrl-C has ended, as a shell reports SIGINT.
misuse.INTERRUPTED = 128 + 2

---@class apivideo.cli.Raised
---@field status integer of the command
---@field message string

-- Whether a message is one of Lua itself: a task that fails has its error raised again, by `error`.
local function is_of_lua(message)
  return message:find "^[^\n]-:%d+: attempt to " or message:find "^[^\n]-:%d+: bad argument #%d"
end

--- A message handler for xpcall. The library raises misuse by calling `error`. Lua raises its own errors where they
--- happen, and C functions, `assert` among them, raise theirs.
---@param err any
---@param level? integer of the function that raised in the call stack; default: 2, if xpcall calls this function
---@return apivideo.cli.Raised
function misuse.raised(err, level)
  level = level or 2
  if type(err) == "table" then
    local class = getmetatable(err) -- of the library's errors, which iterators over lists raise
    local message = class and class.__tostring and tostring(err) or err.message or tostring(err)
    return { status = err.status == 2 and 2 or 1, message = message }
  end
  local message, raiser = tostring(err), debug.getinfo(level, "f")
  if message:find "interrupted!$" then return { status = misuse.INTERRUPTED, message = "interrupted" } end -- by the program lua
  if type(err) == "string" and raiser and raiser.func == error and not is_of_lua(message) then
    -- The source position is of no use to the user.
    return { status = 2, message = (message:gsub("^[^\n]-:%d+: ", "")) }
  end
  local lua, stack = rawget(_G, "jit") and jit.version or _VERSION, debug.traceback("", level):gsub("^\n", "")
  return { status = 1, message = ("internal error: %s\nThis is a bug of apivideo %s (%s), and not of the arguments."
    .. " Please report it with this text.\n%s"):format(message, version, lua, stack) }
end

--- The status and the message of a command that raised.
---@param result apivideo.cli.Raised|any what xpcall returned
---@return integer status
---@return string message
function misuse.parts(result)
  -- Lua does not call the handler if memory is exhausted.
  if type(result) ~= "table" then return 1, "internal error: " .. tostring(result) end
  return result.status, result.message
end

return misuse
