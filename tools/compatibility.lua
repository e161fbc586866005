--- Makes the tables of docs/reference/compatibility.md from docs/versions/*.tsv, which tools/check-distro writes, and
--- from the files that contain the floors. Run as a script, it writes them into the page.

local file = require "spec.support.file"

local PAGE = "docs/reference/compatibility.md"

-- The distributions, from the oldest to the newest.
local NAMES = { bullseye = "Debian 11", bookworm = "Debian 12", trixie = "Debian 13", sid = "Debian sid" }
local ORDER = { "bullseye", "bookworm", "trixie", "sid" }

local COLUMNS = { "Lua", "libcurl", "OpenSSL", "libmicrohttpd", "SQLite", "Redis", "nginx", "lua-nginx-module",
  "passed", "failed", "skipped" }

-- The file of each floor, and the pattern of the message that names it.
local FLOORS = {
  { "libcurl", "src/common/compat_curl.h", '#error "[^"]*libcurl ([%d.]+)' },
  { "OpenSSL", "src/common/compat_openssl.h", '#error "[^"]*OpenSSL ([%d.]+)' },
  { "libmicrohttpd", "src/common/compat_mhd.h", '#error "[^"]*libmicrohttpd ([%d.]+)' },
  { "hiredis", "src/common/compat_hiredis.h", '#error "[^"]*hiredis ([%d.]+)' },
  { "SQLite", "lua/apivideo/inbox/sqlite/connection.lua", "SQLite ([%d.]+) or newer is needed" },
  { "lua-nginx-module", "docs/guides/nginx.md", "Lua module ([%d.]+) or later" },
  { "Redis", "lua/apivideo/inbox/redis/script_runner.lua", "version ([%d.]+) or newer is needed" },
}

local compatibility = { page = PAGE, order = ORDER, columns = COLUMNS }

local function row(cells)
  return "| " .. table.concat(cells, " | ") .. " |\n"
end

local function heading(cells)
  return row(cells) .. "|" .. ("---|"):rep(#cells) .. "\n"
end

--- The floors: { library, version, file } of each.
function compatibility.floors()
  local floors = {}
  for i, floor in ipairs(FLOORS) do
    local version = file.read(floor[2]):match(floor[3])
    floors[i] = { floor[1], assert(version, "no floor of " .. floor[1] .. " in " .. floor[2]), floor[2] }
  end
  return floors
end

local function floors_table()
  local text = heading { "library", "oldest", "in" }
  for _, floor in ipairs(compatibility.floors()) do
    text = text .. row { floor[1], floor[2], ("[%s](../../%s)"):format(floor[3]:match "[^/]+/[^/]+$", floor[3]) }
  end
  return text
end

--- The results of a distribution by column; nil for one that has not been checked.
function compatibility.facts(name)
  local facts = {}
  for column, value in file.read("docs/versions/" .. name .. ".tsv"):gmatch "([^\t\n]+)\t([^\n]*)" do
    facts[column] = value
  end
  return next(facts) and facts
end

-- Whether a dotted version is older than another one.
local function is_older(version, floor)
  local numbers = floor:gmatch "%d+"
  for number in version:gmatch "%d+" do
    local other = tonumber(numbers() or 0)
    if tonumber(number) ~= other then return tonumber(number) < other end
  end
  return false
end

-- The cells of a row; a version below its floor is in brackets.
local function cells_of(facts)
  local cells, floors = {}, {}
  for _, floor in ipairs(compatibility.floors()) do floors[floor[1]] = floor[2] end
  for i, column in ipairs(COLUMNS) do
    local value, floor = facts[column], floors[column]
    cells[i] = floor and is_older(value, floor) and "(" .. value .. ")" or value
  end
  return cells
end

local function checked_table()
  local text = heading { "", (table.unpack or unpack)(COLUMNS) }
  for _, name in ipairs(ORDER) do
    local facts = compatibility.facts(name)
    if facts then text = text .. row { NAMES[name], (table.unpack or unpack)(cells_of(facts)) } end
  end
  return text
end

--- Replaces both tables in the text of the page.
function compatibility.with_tables(text)
  for name, made in pairs { floors = floors_table(), checked = checked_table() } do
    local from, to = ("<!-- %s -->\n"):format(name), ("<!-- end of %s -->\n"):format(name)
    local before, after = text:find(from, 1, true), text:find(to, 1, true)
    assert(before and after, "no table " .. name .. " in " .. PAGE)
    text = text:sub(1, before + #from - 1) .. made .. text:sub(after)
  end
  return text
end

if arg and arg[0] and arg[0]:find "compatibility%.lua$" then
  file.write(PAGE, compatibility.with_tables(file.read(PAGE)))
end

return compatibility
