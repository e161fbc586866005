--- The options of `apivideo listen`, and which of them exclude each other.

local credential = require "apivideo.cli.credential"
local numbers = require "apivideo.cli.numbers"
local secrets = require "apivideo.cli.secrets"
local settings = require "apivideo.cli.settings"
local url = require "apivideo.cli.url"

local options = {}

local public_url = url.new "--public-url"

-- `auto`, or `auto:PORT` for an agent whose local API has another port, or a URL.
local function tunnel_or_url(text)
  local port = text:match "^auto:(%d+)$"
  if text == "auto" then return { is_auto = true } end
  if port then return { is_auto = true, api_port = tonumber(port) } end
  local value, problem = public_url(text)
  return value and { url = value }, problem
end

local function define_account(sub)
  local secret, file = secrets.define(sub, "The signatureSecret of a webhook; can be repeated.")
  local key = sub:option("--api-key", "Get the secrets from api.video with this API key."):argname "<key>"
    :convert(credential.new "--api-key")
  local unsigned = sub:flag("--unsigned", "Accept deliveries without verifying signatures.")
  local emulate = sub:flag("--emulate", "Run a local api.video, too, with a webhook that delivers here.")
  local public = sub:option("--public-url", "Create a webhook of the account for this URL, which must lead here, and"
    .. " delete it at the end. auto: the URL of a running tunnel of ngrok or cloudflared; auto:PORT if the agent's API"
    .. " has another port than usual."):argname "<url>"
    :convert(tunnel_or_url)
  sub:mutex(secret, file, key, unsigned, emulate)
  sub:mutex(public, secret, file)
  sub:mutex(public, unsigned, emulate)
  settings.define_api(sub)
  settings.define(sub)
end

--- Defines them.
---@param sub table of argparse
function options.define(sub)
  sub:description("Receives deliveries and prints each. Verifies signatures with --secret, or with the secrets of the"
    .. " account of --api-key (default: APIVIDEO_API_KEY). With --unsigned, it does not verify signatures.")
  sub:option("--port", "The port to listen on; 0: any free port."):argname "<port>"
    :default "8080":convert(numbers.port "--port")
  sub:option("--host", "The address to listen on."):argname "<address>":default "127.0.0.1"
  define_account(sub)
  sub:option("--forward-to", "Send each accepted delivery on to this URL, and respond with the status from there."
    .. " Without a response: 502, or 504 after 10 seconds."):argname "<url>":convert(url.new "--forward-to")
  sub:option("--events", "Print and forward events of this type only, or of a pattern such as 'video.*'; can be"
    .. " repeated. Others are acknowledged and counted."):argname "<type>":count "*"
  sub:option("--where", "Print and forward events with this value of a field only; can be repeated.")
    :argname "<name=value>":count "*"
  sub:flag("--ui", "Show the deliveries on a web page, too.")
  sub:option("--ui-port", "The port of the page on 127.0.0.1. Default: any free port."):argname "<port>"
    :convert(numbers.port "--ui-port")
  sub:flag("--ui-write", "Allow the page to send deliveries again.")
  sub:option("--save", "Append each delivery to this file, for: apivideo resend"):argname "<file>"
  sub:mutex(
    sub:flag("--quiet", "Print only what is rejected, or not forwarded."),
    sub:flag("-v --verbose", "Print the headers and the body of each delivery, too."))
end

--- What is wrong with options that need another one; otherwise nil.
---@param arguments table
---@return string?
function options.problem(arguments)
  local of_page = arguments.ui_port and "--ui-port" or arguments.ui_write and "--ui-write"
  if of_page and not arguments.ui then return of_page .. " needs --ui" end
  local other = arguments.unsigned and "--unsigned" or arguments.emulate and "--emulate"
    or #arguments.secret > 0 and "--secret" or #arguments.secret_file > 0 and "--secret-file"
  local name = arguments.environment and "--environment" or arguments.base_url and "--base-url"
    or arguments.ca_file and "--ca-file"
  if not other or not name then return nil end
  return ("%s needs an API key; remove it, or use --api-key instead of %s"):format(name, other)
end

return options
