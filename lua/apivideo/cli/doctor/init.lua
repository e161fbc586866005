--- `apivideo doctor`: checks what the library and the command need, and prints a line for each finding.

local account = require "apivideo.cli.account"
local config = require "apivideo.cli.config"
local findings = require "apivideo.cli.doctor.findings"
local libraries = require "apivideo.cli.doctor.libraries"
local machine = require "apivideo.cli.doctor.machine"
local of_account = require "apivideo.cli.doctor.account"
local of_store = require "apivideo.cli.doctor.store"
local settings = require "apivideo.cli.settings"
local store = require "apivideo.cli.store"

-- In the order of their lines: a check may use what an earlier one has found.
local CHECKS = {
  { name = "libraries", run = libraries.check },
  { name = "configuration", run = machine.check_configuration },
  { name = "proxies", run = machine.check_proxies },
  { name = "certificates", run = machine.check_certificates },
  { name = "key", run = of_account.check_key },
  { name = "clock", run = of_account.check_clock },
  { name = "webhooks", run = of_account.check_webhooks },
  { name = "urls", run = of_account.check_urls },
  { name = "secrets", run = of_account.check_secrets },
  { name = "store", run = of_store.check },
}

local doctor = {}

--- Defines the subcommand.
function doctor.define(sub)
  sub:description("Checks the versions of the libraries, the settings, proxies and certificates; the API key, the"
    .. " clock, and the webhooks of the account with their URLs and secrets; and the inbox of --store. Each line is ok,"
    .. " a warning or a failure with its remedy. If api.video rejects the key, its other environment is tried, too."
    .. " Exit status 1: there is a failure.")
  store.define(sub)
  account.define(sub)
end

---@class apivideo.cli.DoctorContext
---@field arguments table
---@field profile_problem? string of the file of settings
---@field account? apivideo.cli.Account
---@field account_problem? string
---@field ca_file? string
---@field place? { sqlite?: string, redis?: table } the inbox
---@field place_problem? string
---@field base_url? string of the account
---@field response? apivideo.Response to the request for the webhooks
---@field received_at? number
---@field webhooks? apivideo.Webhook[] nil: they could not be read

local function new_context(arguments)
  local profile, problem = config.profile(arguments.profile)
  local context = { arguments = arguments, profile_problem = problem }
  context.account, context.account_problem = settings.account(arguments)
  context.ca_file = arguments.ca_file or profile and profile.ca_file
  context.place, context.place_problem = store.place(arguments)
  return context
end

local function counted(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function doctor.run(arguments, out)
  local context, found = new_context(arguments), findings.new(out)
  for _, check in ipairs(CHECKS) do
    found.check = check.name
    check.run(context, found)
  end
  local failures, warnings = found.counts.failure, found.counts.warning
  out:print({ failures = failures, warnings = warnings, ok = found.counts.ok },
    ("%s, %s"):format(counted(failures, "failure"), counted(warnings, "warning")))
  return failures > 0 and 1 or 0
end

return doctor
