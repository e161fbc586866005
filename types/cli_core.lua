---@meta apivideo.cli.core
--- The module in C of the command, for editors: src/cli. It is never loaded.

---@class apivideo.cli.core
local core = {}

--- Whether a descriptor of this process is a terminal.
---@param fd integer
---@return boolean
function core.is_terminal(fd) end

--- The width of a terminal.
---@param fd integer
---@return integer? columns nil if the descriptor is not a terminal, or its width is unknown
function core.terminal_columns(fd) end

return core
