--- The check of the versions of the libraries, against the oldest ones that are supported.

local core = require "apivideo.core"
local packages = require "apivideo.util.packages"

local libraries = {}

-- The same as in docs/reference/compatibility.md. Where loading an older library fails, the message is that of loading.
libraries.FLOORS = {
  libcurl = "7.68.0", OpenSSL = "1.1.1", libmicrohttpd = "0.9.71", SQLite = "3.24", hiredis = "0.14",
}
local COMPLETION_FLOOR = "0.7" -- of argparse

--- Whether a version is older than another one.
---@param version string such as "7.88.1"
---@param floor string
---@return boolean
function libraries.is_older(version, floor)
  local numbers = version:gmatch "%d+"
  for number in floor:gmatch "%d+" do
    local other = tonumber(numbers() or 0)
    if other ~= tonumber(number) then return other < tonumber(number) end
  end
  return false
end

-- A module's first line of a failure to load it: the rest lists the directories.
local function loaded(name)
  local ok, module = pcall(require, name)
  if ok then return module end
  return nil, (tostring(module):match "^[^\n]*")
end

local function check_floor(findings, name, version, more)
  local floor = libraries.FLOORS[name]
  if libraries.is_older(version, floor) then
    findings:fail(("%s %s is too old"):format(name, version), ("update it to %s or newer"):format(floor))
  else
    findings:ok(("%s %s%s"):format(name, version, more or ""))
  end
end

local function check_core(findings)
  local linked = core.http.libraries()
  if not linked.tls then
    findings:fail("libcurl was built without TLS", "install a libcurl with OpenSSL or GnuTLS")
  end
  check_floor(findings, "libcurl", linked.libcurl, linked.tls and " with " .. linked.tls)
  check_floor(findings, "OpenSSL", linked.openssl:match "%d[%w.]*" or "0")
end

local function check_server(findings)
  local module, problem = loaded "apivideo.server.core"
  if not module then
    findings:fail(problem, packages.remedy "apivideo.server" .. "; and libmicrohttpd")
  else
    check_floor(findings, "libmicrohttpd", module.version())
  end
end

local function check_argparse(findings)
  local version = tostring(require("argparse").version or "0.6")
  if libraries.is_older(version, COMPLETION_FLOOR) then
    findings:warn(("argparse %s has no completion"):format(version), "update it to 0.7 or newer")
  else
    findings:ok("argparse " .. version)
  end
end

-- The libraries of a store are needed only if it is used.
local function check_sqlite(findings, place)
  local version, problem = require("apivideo.inbox.sqlite.examine").library()
  if version then return check_floor(findings, "SQLite", version, ", through LuaDBI") end
  if place and place.sqlite then return findings:fail(problem, "or use another store") end
  findings:ok "LuaDBI with SQLite is not installed; only an inbox in SQLite needs it"
end

local function check_redis(findings, place)
  local redis = loaded "apivideo.redis.core"
  if redis then return check_floor(findings, "hiredis", redis.version()) end
  if place and place.redis then
    return findings:fail("apivideo.redis.core is not installed",
      packages.remedy "apivideo.redis.core")
  end
  findings:ok "apivideo.redis.core is not installed; only an inbox in Redis needs it"
end

--- Checks the libraries.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function libraries.check(context, findings)
  findings:ok(rawget(_G, "jit") and jit.version or _VERSION)
  check_core(findings)
  findings:ok("lua-cjson " .. tostring(require("cjson")._VERSION))
  check_argparse(findings)
  check_server(findings)
  check_sqlite(findings, context.place)
  check_redis(findings, context.place)
end

return libraries
