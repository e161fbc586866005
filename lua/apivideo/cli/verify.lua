--- `apivideo verify`: checks the signature of a body, and prints why it is invalid.

local body = require "apivideo.cli.body"
local credential = require "apivideo.cli.credential"
local events = require "apivideo.events"
local header_lines = require "apivideo.cli.header_lines"
local near_miss = require "apivideo.cli.near_miss"
local output = require "apivideo.cli.output"
local secret_source = require "apivideo.receiver.secret_source"
local secrets = require "apivideo.cli.secrets"
local settings = require "apivideo.cli.settings"
local verification = require "apivideo.receiver.verification"

local SIGNATURE = "x-api-video-signature"

local verify = {}

--- Defines the subcommand.
function verify.define(sub)
  sub:description("Checks that the signature of a body is valid. Exit status: 0 if it is valid, 1 with the reason and"
    .. " the likely cause if it is not.")
  sub:argument("file", "The file with the exact bytes of the body. Default: standard input."):args "?"
  sub:mutex(
    sub:option("--signature", "The value of the header X-Api-Video-Signature."):argname "<hex>"
      :convert(credential.new "--signature"),
    sub:option("--headers", "A file with the headers of the delivery, 'Name: value' in each line."):argname "<file>")
  secrets.define(sub, "The signatureSecret of the webhook; can be repeated. Default: APIVIDEO_WEBHOOK_SECRET.")
  settings.define_profile(sub)
end

-- What is wrong with the options together; otherwise nil.
local function mode_problem(arguments)
  if not arguments.signature and not arguments.headers then return "one of --signature and --headers is required" end
  if arguments.headers == "-" and (arguments.file or "-") == "-" then
    return "the body and --headers cannot both be read from standard input; name a file for one of them"
  end
end

-- The headers of the delivery; or nil and a message.
local function headers_of(arguments)
  if arguments.signature then return { [SIGNATURE] = arguments.signature } end
  local text, problem = body.of_file(arguments.headers)
  local list
  if text then list, problem = header_lines.parse_text(text) end
  if list then return list end
  return nil, "--headers: " .. problem
end

local function print_valid(out, raw, webhook_id)
  local event, err = events:parse(raw)
  if err then output.warn(("the signature is valid, but a receiver rejects the body: %s"):format(err.message)) end
  local line = out:paint("green", "valid")
  if event then line = line .. "  " .. output.describe_event(event) end
  out:print({ valid = true, webhookId = webhook_id, event = event }, line)
end

local function print_invalid(out, raw, list, known, err, webhook_id)
  local hex = list[SIGNATURE]
  local cause = type(hex) == "string" and near_miss.cause(raw, hex, known)
  local reason = cause and err.message:gsub("; .*$", "") .. "; " .. cause or err.message
  out:print({ valid = false, webhookId = webhook_id, error = reason, kind = err.kind },
    out:paint("red", "invalid") .. "  " .. output.plain(reason))
end

--- Runs the subcommand.
---@param arguments table as the argument parser returns them
---@param out apivideo.cli.Output
---@return integer status
---@return any message
function verify.run(arguments, out)
  local problem = mode_problem(arguments)
  if problem then return 2, problem end
  local known, list, raw
  known, problem = secrets.of(arguments)
  if not known or #known == 0 then return 2, problem or secrets.MISSING end
  list, problem = headers_of(arguments)
  if not list then return 2, problem end
  raw, problem = body.of_file(arguments.file or "-")
  if not raw then return 2, problem end
  local webhook_id, id_problem
  if arguments.headers then webhook_id, id_problem = verification.webhook_id(list) end
  local source = secret_source.new("verify", known, 1)
  local is_valid, err = verification.check(source, list, raw, webhook_id, id_problem)
  if is_valid then
    print_valid(out, raw, webhook_id)
    return 0
  end
  print_invalid(out, raw, list, known, err, webhook_id)
  return 1
end

return verify
