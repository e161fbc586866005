--- A recorded request as text for other programs: a command line of curl, and a spec for busted.

local ascii = require "apivideo.util.ascii"
local json = require "apivideo.util.json"
local shell = require "apivideo.util.shell"
local utf8 = require "apivideo.util.utf8"

local snippets = {}

local ARGUMENT_MAX_BYTES = 100000 -- Linux allows 131072 bytes for one argument of a program

local SENT = { ["content-type"] = true, ["x-api-video-webhookid"] = true, ["x-api-video-signature"] = true }

-- What a word of bash between quotes must escape: not printable ASCII, the quote and the backslash. (A "]" would end the
-- set of the pattern.)
local ESCAPED = "[^\32-\38\40-\91\94-\126%]]"

-- Whether a text can be pasted between single quotes. Control characters could end the quotes of a shell's line editor,
-- and bash before 5 expands "!" in quotes that began in an earlier line.
local function is_printable(text)
  return not text:gsub("\n", ""):find "[^\32-\126\128-\255]" and not text:find "\194[\128-\159]"
    and not text:find "\n.*!" and utf8.repaired(text) == text
end

local function hex_escape(byte)
  return ("\\x%02x"):format(byte:byte())
end

-- A text as one word of bash.
local function shell_word(text)
  if is_printable(text) then return shell.quote(text) end
  return "$'" .. text:gsub(ESCAPED, hex_escape) .. "'"
end

-- The headers as options. Curl omits a header without a value, unless it ends with a semicolon; and it adds a
-- Content-Type to a body, unless that header is omitted.
local function header_options(list)
  local options, has_type = {}, false
  for _, header in ipairs(list) do
    local name, value = header[1], header[2]
    if SENT[ascii.lower(name)] then
      options[#options + 1] = "-H " .. shell_word(value == "" and name .. ";" or name .. ": " .. value)
      has_type = has_type or ascii.lower(name) == "content-type"
    end
  end
  if not has_type then options[#options + 1] = "-H 'Content-Type:'" end
  return options
end

--- A command line of bash that sends the same bytes and signature.
---@param recorded apivideo.page.Record
---@param url string
---@return string
function snippets.curl(recorded, url)
  local raw, parts = recorded.raw or "", header_options(recorded.headers)
  table.insert(parts, 1, "curl -i -X POST " .. shell_word(url))
  if #raw > ARGUMENT_MAX_BYTES or raw:find("\0", 1, true) then -- not as an argument of a program
    parts[1] = "printf %b '" .. raw:gsub(ESCAPED, hex_escape) .. "' | " .. parts[1]
    parts[#parts + 1] = "--data-binary @-"
  else
    parts[#parts + 1] = "--data-raw " .. shell_word(raw)
  end
  return table.concat(parts, " \\\n  ") .. "\n"
end

-- A text as a literal of every Lua.
local function quoted(text)
  return '"' .. text:gsub("[^\32-\33\35-\91\94-\126\128-\255%]]", function(byte)
    return ("\\%03d"):format(byte:byte())
  end) .. '"'
end

local KEYWORDS = {}
for word in ("and break do else elseif end false for function global goto if in local nil not or repeat return then"
  .. " true until while"):gmatch "%a+" do
  KEYWORDS[word] = true
end

local function is_name(key)
  return key:find "^[A-Za-z_][A-Za-z0-9_]*$" and not KEYWORDS[key]
end

local literal

-- The fields of a table, sorted, one on a line.
local function table_literal(value, indent)
  local inner, lines, names = indent .. "  ", {}, {}
  for i, item in ipairs(value) do lines[i] = inner .. literal(item, inner) .. "," end
  for name in pairs(value) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local key = is_name(name) and name or "[" .. quoted(name) .. "]"
    lines[#lines + 1] = inner .. key .. " = " .. literal(value[name], inner) .. ","
  end
  if #lines == 0 then return getmetatable(value) and "apivideo.array {}" or "{}" end
  return "{\n" .. table.concat(lines, "\n") .. "\n" .. indent .. "}"
end

function literal(value, indent)
  if value == json.null then return "apivideo.null" end
  if type(value) == "table" then return table_literal(value, indent) end
  if type(value) == "string" then return quoted(value) end
  if type(value) == "number" then return (json.encode(value)) end
  return tostring(value)
end

local SPEC = [[
local apivideo = require "apivideo"
local testing = require "apivideo.testing"

local SECRET = "sig_sec_of_the_test"

describe(%s, function()
  it("is handled", function()
    local handled
    -- Replace these handlers by those of the application.
    local handlers = apivideo.handlers():on(%s, function(event) handled = event end)
    local receiver = apivideo.receiver { handlers = handlers, secrets = SECRET }
    local delivery = testing.delivery(%s, %s, SECRET)
    assert.equal(204, (receiver:receive(delivery)))
    assert.equal(%s, handled.type)
  end)
end)
]]

--- A spec for busted that sends the event.
---@param recorded apivideo.page.Record
---@return string? text nil if the body is not an object with a type
function snippets.spec(recorded)
  local event = json.decode(recorded.raw or "")
  if type(event) ~= "table" or type(event.type) ~= "string" then return nil end
  local name = quoted(event.type)
  local parts = { name, name, name, table_literal(event, "    "), name }
  local number = 0
  return (SPEC:gsub("%%s", function()
    number = number + 1
    return parts[number]
  end))
end

return snippets
