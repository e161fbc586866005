--- The file of settings, `$XDG_CONFIG_HOME/apivideo/config.lua`: a Lua table with the settings of an account, and further
--- accounts by name in `profiles`. It has secrets: a file that others can read is rejected.
---
---     return {
---       api_key = "…",
---       profiles = { sandbox = { api_key = "…", environment = "sandbox", webhook_secret = "sig_sec_…" } },
---     }

local checks = require "apivideo.util.checks"
local core = require "apivideo.core"
local lua_table = require "apivideo.cli.lua_table"
local shell = require "apivideo.util.shell"

local SETTINGS = { api_key = "string?", environment = "string?", base_url = "string?", webhook_secret = "string?",
  ca_file = "string?" }

local EXAMPLE = "return { api_key = \"KEY\" }"

local config = {}

---@class apivideo.cli.Profile
---@field api_key? string
---@field environment? string
---@field base_url? string
---@field webhook_secret? string
---@field ca_file? string

--- Where the file is.
---@return string|nil path nil without a home directory
function config.path()
  local directory, home = os.getenv "XDG_CONFIG_HOME", os.getenv "HOME"
  -- The XDG specification: a relative path is invalid and must be ignored.
  if directory and directory:sub(1, 1) == "/" then return directory .. "/apivideo/config.lua" end
  return home and home ~= "" and home .. "/.config/apivideo/config.lua" or nil
end

-- What is wrong with the file, before it is opened: a pipe without a writer would block. Otherwise nil.
local function mode_problem(path, mode, is_own, is_regular)
  if not is_regular then return "it is not a regular file; make it one, such as: " .. EXAMPLE end
  if not is_own then return "it belongs to another user; copy it, so that it is yours" end
  if mode % 64 ~= 0 then
    return ("others can read or change it (mode %04o), and it has secrets; run: chmod 600 %s"):format(mode,
      shell.paths { path })
  end
end

-- Raises unless the tables have known settings of the right types.
local function check(value)
  local kinds = { profiles = "table?" }
  for name, kind in pairs(SETTINGS) do kinds[name] = kind end
  checks.options("settings", value, kinds, 2)
  for name, profile in pairs(value.profiles or {}) do
    checks.value(("settings: profile %s"):format(tostring(name)), profile, "table", 2)
    checks.options(("settings: profile %s"):format(tostring(name)), profile, SETTINGS, 2)
  end
end

-- The table of the file; nil if there is no file, or nil and what is wrong.
local function read(path)
  local mode, is_own, is_regular = core.file_mode(path)
  if not mode then return nil end
  local problem = mode_problem(path, mode, is_own, is_regular)
  if problem then return nil, problem end
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then file:close() end
  if not text then return nil, "it cannot be read" end
  local value
  value, problem = lua_table.evaluate(text, path, EXAMPLE)
  if not value then return nil, problem end
  local ok, message = pcall(check, value)
  if not ok then return nil, (tostring(message):gsub("^[^\n]-:%d+: ", "")) end
  return value
end

local function names_of(profiles)
  local names = {}
  for name in pairs(profiles or {}) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return #names > 0 and table.concat(names, ", ") or "none"
end

--- The settings of an account.
---@param name? string of a profile; nil: the account at the top of the file
---@return apivideo.cli.Profile|nil profile empty without a file
---@return string? problem
function config.profile(name)
  local path = config.path()
  local value, problem
  if path then value, problem = read(path) end
  if problem then return nil, ("%s: %s"):format(path, problem) end
  if not name then return value or {} end
  local profile = value and value.profiles and value.profiles[name]
  if profile then return profile end
  return nil, ("--profile: %s has no profile %s; its profiles: %s"):format(path or "config.lua", name,
    names_of(value and value.profiles))
end

return config
