--- Reads a file of saved deliveries, see apivideo.cli.saved. It is checked before the first delivery is used, and read
--- line by line: it may be larger than the memory. So it is read twice, and a pipe is copied to a temporary file.

local input = require "apivideo.cli.input"
local output = require "apivideo.cli.output"
local saved = require "apivideo.cli.saved"

---@class apivideo.cli.SavedFile
---@field count integer of the selected deliveries
---@field name string of the file, for messages
---@field has_entries boolean one of them at least is from an inbox
---@field private _file any a file handle
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
  local file, remaining = self._file, self.count
  file:seek "set"
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
local function selecting(ids, is_wanted)
  local missing = {}
  for _, id in ipairs(ids) do missing[id] = true end
  local wanted = next(missing) and {} or nil
  for id in pairs(missing) do wanted[id] = true end
  return function(number, delivery)
    local id = wanted and (wanted[tostring(number)] and tostring(number) or wanted[delivery.key] and delivery.key)
    if id then missing[id] = nil end
    if wanted and not id then return false end
    return not is_wanted or is_wanted(delivery)
  end, missing
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

-- Whether a delivery has a body. An inbox keeps that of a handled event only with retain_bodies.
local function has_body(delivery)
  return not delivery.is_entry or delivery.body ~= ""
end

-- Counts the selected deliveries of a file, and those of them from an inbox with and without a body.
local function check(name, file, is_selected)
  local count, entries, empty, invalid, last = 0, 0, 0, nil, 0
  for number, text in lines_of(file) do
    local delivery = saved.decode(text)
    if not delivery and text ~= "" and is_incomplete(text) then
      output.warn(("%s: line %d is incomplete, and is left out"):format(name, number))
    elseif not delivery and text ~= "" then
      invalid = invalid or number
    elseif delivery and is_selected(number, delivery) then
      local is_empty = not has_body(delivery)
      empty = empty + (is_empty and 1 or 0)
      count = count + (is_empty and 0 or 1)
      entries = entries + (delivery.is_entry and not is_empty and 1 or 0)
    end
    last = number
  end
  if invalid and invalid == last and not ends_with_newline(file) then
    output.warn(("%s: line %d is incomplete, and is left out"):format(name, invalid))
  elseif invalid then
    return nil, ("%s: line %d is not a delivery; the file must come from: apivideo listen --save, or apivideo inbox"
      .. " export"):format(name, invalid)
  end
  if empty > 0 then
    output.warn(("%s: %s no body, and %s left out; only an inbox with the option retain_bodies keeps those"
      .. " of handled events"):format(name, empty == 1 and "1 entry has" or empty .. " entries have",
      empty == 1 and "is" or "are"))
  end
  return count, entries
end

local CHUNK = 65536

-- The file itself if it can be read twice, otherwise a copy.
local function seekable(file)
  local _, unreadable = file:read(0) -- a directory
  if unreadable then return nil, unreadable end
  if file:seek "set" then return file end
  local copy, problem = io.tmpfile()
  local chunk = copy and file:read(CHUNK)
  while chunk do
    local written
    written, problem = copy:write(chunk)
    if not written then return nil, problem end
    chunk = file:read(CHUNK)
  end
  if not copy or not copy:seek "set" then return nil, problem or "cannot write a temporary file" end
  return copy
end

local saved_file = {}

--- Opens a file.
---@param path string - for standard input
---@param ids string[] lines or keys; none: all
---@param filter? fun(delivery: apivideo.cli.SavedDelivery): boolean
---@return apivideo.cli.SavedFile|nil
---@return string? problem
function saved_file.open(path, ids, filter)
  local name = input.name(path)
  local file, problem = input.open(path)
  if not file then return nil, problem end
  file, problem = seekable(file)
  if not file then return nil, ("%s: %s"):format(name, problem) end
  local is_wanted, missing = selecting(ids, filter)
  local count, entries = check(name, file, is_wanted)
  if not count then return nil, entries end
  if next(missing) then
    return nil, ("--id %s: %s has no such line or key"):format(next(missing), name)
  elseif count == 0 then
    return nil, name .. ": no delivery is selected"
  end
  return setmetatable({
    count = count, name = name, has_entries = entries > 0, _file = file,
    _is_selected = function(number, delivery) return is_wanted(number, delivery) and has_body(delivery) end,
  }, SavedFile)
end

return saved_file
