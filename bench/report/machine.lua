--- Describes the machine and the installed versions, without anything that identifies the machine.

local file = require "spec.support.file"

local machine = {}

local function output_of(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- The SQLite that LuaDBI uses.
local function sqlite_version()
  local there, dbi = pcall(require, "DBI")
  local connection = there and dbi.Connect("SQLite3", ":memory:")
  if not connection then return nil end
  local statement = assert(connection:prepare "SELECT sqlite_version()")
  statement:execute()
  local version = statement:fetch()[1]
  connection:close()
  return version
end

-- Each program: name, command that prints its version, pattern of the version.
local programs = {
  { "Lua", "lua5.1 -v", "Lua ([%d.]+)" },
  { "Lua", "lua5.2 -v", "Lua ([%d.]+)" },
  { "Lua", "lua5.3 -v", "Lua ([%d.]+)" },
  { "Lua", "lua5.4 -v", "Lua ([%d.]+)" },
  { "LuaJIT", "luajit -v", "LuaJIT (%S+)" },
  { "libcurl", "pkg-config --modversion libcurl", "^[%d.]+" },
  { "OpenSSL", "pkg-config --modversion libcrypto", "^[%d.]+" },
  { "libmicrohttpd", "pkg-config --modversion libmicrohttpd", "^[%d.]+" },
  { "nginx", "nginx -v", "nginx/([%d.]+)" },
  { "Redis", "redis-server --version", "v=([%d.]+)" },
  { "wrk", "wrk -v", "wrk %D*([%d.]+)" },
  { "Node.js", "node --version", "^v([%d.]+)" },
  { "gcc", "gcc -dumpfullversion", "^[%d.]+" },
}

--- The machine's properties: { "processor", "…" }, ….
---@return string[][]
function machine.hardware()
  local cpu = file.read "/proc/cpuinfo"
  local _, processors = cpu:gsub("processor%s*:", "")
  local kilobytes = tonumber(file.read("/proc/meminfo"):match "MemTotal:%s*(%d+)") or 0
  return {
    { "processor", ("%s, %d of them"):format(cpu:match "model name%s*:%s*([^\n]*)" or "unknown", processors) },
    { "memory", ("%.0f GB"):format(kilobytes / 2 ^ 20) },
    { "kernel", "Linux " .. (file.read("/proc/sys/kernel/osrelease"):match "^[%d.]+" or "unknown") },
    { "distribution", file.read("/etc/os-release"):match 'PRETTY_NAME="([^"]*)"' or "unknown" },
  }
end

--- The installed versions: { "libcurl", "7.88.1" }, ….
---@return string[][]
function machine.versions()
  local versions = {}
  for _, program in ipairs(programs) do
    local version = output_of(program[2]):match(program[3])
    if version then versions[#versions + 1] = { program[1], version } end
  end
  local sqlite = sqlite_version()
  if sqlite then versions[#versions + 1] = { "SQLite", sqlite } end
  versions[#versions + 1] = { "lua-cjson", require("cjson")._VERSION }
  return versions
end

return machine
