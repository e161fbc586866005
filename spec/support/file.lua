--- Reads and writes whole files.

local file = {}

--- The contents of a file, or "" if it does not exist.
---@param path string
---@return string
function file.read(path)
  local handle = io.open(path, "rb")
  local text = handle and handle:read "*a" or ""
  if handle then handle:close() end
  return text
end

---@param path string
---@param text string
function file.write(path, text)
  local handle = assert(io.open(path, "wb"))
  handle:write(text)
  assert(handle:close()) -- fails if the disk is full
end

return file
