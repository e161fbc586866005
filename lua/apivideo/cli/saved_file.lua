--- Reads a file of saved deliveries, see apivideo.cli.saved. It is checked before the first delivery is used, and read
--- line by line: it may be larger than the memory.

local output = require "apivideo.cli.output"
local saved = require "apivideo.cli.saved"

---@class apivideo.cli.SavedFile
---@field count integer of the selected deliveries
---@field private _path string
---@field private _is_selected fun(line: integer, delivery: apivideo.cli.SavedDelivery): boolean
local SavedFile = {}
SavedFile.__index = SavedFile
SavedFile.__name = "apivideo.cli.SavedFile"

-- An iterator over the lines: number and text.
local function lines_of(file)
  local number = 0
  return function()
    local text = file:read "*l"
    if not text then return nil end
    number = number + 1
    return number, text
  end
end

--- Iterates over the selected deliveries: over fewer than `count` if the file was truncated in the meantime.
---@return fun(): integer?, apivideo.cli.SavedDelivery? each line and delivery
function SavedFile:each()
  local file, remaining = assert(io.open(self._path, "rb")), self.count
  local next_line = lines_of(file)
  return function()
    while remaining > 0 do -- not what is appended in the meantime
      local number, text = next_line()
      if not number then break end
      local delivery = saved.decode(text)
      if delivery and self._is_selected(number, delivery) then
        remaining = remaining - 1
        return number, delivery
      end
    end
    file:close()
  end
end

-- The function that selects, and the set of ids that were not found yet.
local function selecting(ids, types)
  local missing = {}
  for _, id in ipairs(ids) do missing[id] = true end
  local wanted = next(missing) and {} or nil
  for id in pairs(missing) do wanted[id] = true end
  return function(number, delivery)
    local id = wanted and (wanted[tostring(number)] and tostring(number) or wanted[delivery.key] and delivery.key)
    if id then missing[id] = nil end
    if wanted and not id then return false end
    return not types or type(delivery.type) == "string" and types:has(delivery)
  end, missing
end

local function close(file, ...)
  file:close()
  return ...
end

-- Whether a file ends with a newline; otherwise its last line may be incomplete.
local function ends_with_newline(file)
  return file:seek("end", -1) and file:read(1) == "\n"
end

local BEGIN = '{"body":"' -- of each line: names are sorted

-- Whether a line is the beginning of one: the disk was full, or the process that wrote it was killed.
local function is_incomplete(text)
  local size = math.min(#text, #BEGIN)
  return text:sub(1, size) == BEGIN:sub(1, size)
end

-- Counts the selected deliveries of a file.
local function check(path, file, is_selected)
  local count, invalid, last = 0, nil, 0
  for number, text in lines_of(file) do
    local delivery = saved.decode(text)
    if not delivery and text ~= "" and is_incomplete(text) then
      output.warn(("%s: line %d is incomplete, and is left out"):format(path, number))
    elseif not delivery and text ~= "" then
      invalid = invalid or number
    elseif delivery and is_selected(number, delivery) then
      count = count + 1
    end
    last = number
  end
  if not invalid then return count end
  if invalid == last and not ends_with_newline(file) then
    output.warn(("%s: line %d is incomplete, and is left out"):format(path, invalid))
    return count
  end
  return nil, ("%s: line %d is not a delivery; the file must come from: apivideo listen --save"):format(path, invalid)
end

local saved_file = {}

--- Opens a file.
---@param path string
---@param ids string[] lines or keys; none: all
---@param types? apivideo.cli.Selection of types
---@return apivideo.cli.SavedFile|nil
---@return string? problem
function saved_file.open(path, ids, types)
  local file, problem = io.open(path, "rb")
  if not file then return nil, problem end
  if not file:seek "end" then
    return nil, close(file, path .. ": it is a pipe; a file is required, since it is read twice")
  end
  file:seek "set"
  local is_selected, missing = selecting(ids, types)
  local count
  count, problem = close(file, check(path, file, is_selected))
  if not count then return nil, problem end
  if next(missing) then
    return nil, ("--id %s: %s has no such line or key"):format(next(missing), path)
  elseif count == 0 then
    return nil, path .. ": no delivery is selected"
  end
  return setmetatable({ count = count, _path = path, _is_selected = is_selected }, SavedFile)
end

return saved_file
