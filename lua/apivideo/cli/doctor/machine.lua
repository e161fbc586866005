--- The checks of the machine: the file of settings, proxies in the environment, and trusted certificates.

local config = require "apivideo.cli.config"
local core = require "apivideo.core"

local PROXIES = { "https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" }

local machine = {}

--- Checks the file of settings.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function machine.check_configuration(context, findings)
  local path = config.path()
  if context.profile_problem then
    return findings:fail(context.profile_problem, "correct the file, or --profile")
  end
  local mode = path and core.file_mode(path)
  if mode then
    findings:ok(("%s, mode %04o"):format(path, mode))
  else
    findings:ok(("no file %s"):format(path or "config.lua, since HOME is not set"))
  end
end

--- Lists the proxies in the environment.
---@param _ apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function machine.check_proxies(_, findings)
  local found = false
  for _, name in ipairs(PROXIES) do
    local value = os.getenv(name) or ""
    if value ~= "" then
      found = true
      findings:ok(("%s=%s"):format(name, value))
    end
  end
  if not found then findings:ok "none in the environment" end
end

-- What is wrong with a file of certificates; otherwise nil.
local function ca_problem(path)
  local file, problem = io.open(path, "rb")
  if not file then return problem end
  local text
  text, problem = file:read "*a" -- fails for a directory
  file:close()
  if not text then return ("%s: %s"):format(path, problem) end
  if text:find("-----BEGIN [%u ]*CERTIFICATE-----") then return nil end
  return path .. ": it has no certificate in the form PEM"
end

-- Where the trusted certificates are, and what names them: see docs/guides/connecting.md.
local function trusted(context)
  if context.ca_file then return context.ca_file, "--ca-file, or ca_file in config.lua" end
  for _, name in ipairs { "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR" } do
    local path = os.getenv(name) or ""
    if path ~= "" then return path, name end
  end
  return core.http.libraries().ca_file, nil
end

--- Checks the trusted certificates. What a directory has is not checked.
---@param context apivideo.cli.DoctorContext
---@param findings apivideo.cli.Findings
function machine.check_certificates(context, findings)
  local path, source = trusted(context)
  local text = path and path .. (source and " of " .. source or "")
  local is_directory = source and (source == "SSL_CERT_DIR" or core.file_mode(path .. "/.") ~= nil)
  local problem = path and not is_directory and ca_problem(path)
  if not path then
    findings:ok "those of the TLS library; the file is not known"
  elseif problem then
    findings:fail(problem, source and "correct " .. source
      or "install the package ca-certificates, or pass a PEM file with --ca-file")
  else
    findings:ok(text .. (is_directory and ": a directory" or ""))
  end
end

return machine
