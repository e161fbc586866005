--- Valid values of the parameters of public functions, by the name of the parameter, or by its annotated type.

local apivideo = require "apivideo"

local samples = {}

local RAW = '{"type":"video.source.recorded","emittedAt":"2024-08-08T14:12:18Z","videoId":"vi1","liveStreamId":"li1"}'

local function nothing() end

local handlers = apivideo.handlers()

local BY_NAME = {
  webhookId = "webhook_1", videoId = "vi1", liveStreamId = "li1", summaryId = "summary_1", language = "en",
  method = "GET", path = "/x", raw = RAW, secret = "sig_sec_1", hex = ("0"):rep(64), state = "dead", text = "",
  type = "video.source.recorded", types = "video.source.recorded", limit = 1, headers = {},
  incoming = { method = "POST", headers = {}, body = RAW }, delivery = { event = apivideo.parse(RAW), raw = RAW },
  event = apivideo.parse(RAW), filter = { videoId = "vi1" }, fault = { status = 503 }, items = {},
  condition = "playable", request = { method = "GET", path = "/health" }, limits = {},
  webhook = { url = "https://example.com/", events = { "video.source.recorded" } },
}

local BY_TYPE = {
  string = "x", number = 1, integer = 1, any = "x", table = {}, ["function"] = nothing,
  ["apivideo.Inbox"] = apivideo.inbox { store = apivideo.inbox.memory() },
  ["apivideo.InboxFilter"] = { id = 1 },
  ["apivideo.Handlers"] = handlers, ["apivideo.Handler"] = nothing, ["apivideo.SecretsForm"] = "sig_sec_1",
  ["apivideo.ClientOptions"] = { api_key = "key" }, ["apivideo.InboxOptions"] = { store = apivideo.inbox.memory() },
  ["apivideo.SqliteOptions"] = { path = "/nonexistent/inbox.db" }, ["apivideo.EmulatorOptions"] = { api_key = "key" },
  ["apivideo.ReceiverOptions"] = { handlers = handlers, secrets = "sig_sec_1" },
  ["apivideo.ReconcileOptions"] = {
    client = apivideo.client { api_key = "key" }, inbox = apivideo.inbox { store = apivideo.inbox.memory() },
  },
  ["apivideo.PageOptions"] = { inbox = apivideo.inbox { store = apivideo.inbox.memory() } },
  ["apivideo.ServerOptions"] = { handler = nothing, host = "256.0.0.1" },
  ["table<string, apivideo.EventType>"] = { ["video.renamed"] = { required = {}, identity = {} } },
  ["{ url: string, events: string[] }[]"] = { BY_NAME.webhook },
}

--- A valid value of a parameter.
---@param parameter { name: string, text: string, type: table }
---@return any
function samples.of(parameter)
  local kind = parameter.type.kind
  local by_type = BY_TYPE[parameter.text]
  local value = parameter.text:find "%p" and by_type or BY_NAME[parameter.name] or by_type
  if value ~= nil then return value end
  if kind == "fun" then return nothing end
  local is_table = kind == "table" or parameter.text:find "^apivideo%.%w+Options$" or parameter.text:find "Query$"
    or parameter.text:find "Arguments$"
  return is_table and {} or error(("add a sample of %s: %s"):format(parameter.name, parameter.text))
end

return samples
