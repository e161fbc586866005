--- Tests this library's client with a server that validates requests with the OpenAPI document: lua_client.lua URL
--- The last line has the counts: "N passed, N failed".

local apivideo = require "apivideo"
local cjson = require "cjson"
local url = require "apivideo.util.url"

local file = assert(io.open("spec/openapi.json", "rb"))
local document = cjson.decode(file:read("*a"))
file:close()

local passed, failed = 0, 0

local function check(name, ok, problem)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    print("FAILED " .. name .. ": " .. tostring(problem))
  end
end

-- The documented parameters of a call, without the keys of those that are tables; nil for an unknown call.
local function parameters_of(method, path)
  for template, operations in pairs(document.paths) do
    if path:find("^" .. template:gsub("%-", "%%-"):gsub("{[^}]+}", "[^/]+") .. "$") then
      local names = {}
      for _, parameter in ipairs((operations[method:lower()] or {}).parameters or {}) do
        local kind = (parameter["$ref"] or ""):match("[^/]+$")
        names[(kind and document.components.parameters[kind] or parameter).name:gsub("%[%]$", "")] = true
      end
      return names
    end
  end
end

-- The server ignores parameters that are not documented, so check them here.
local function check_parameters(request)
  local path, query = url.split(request.url:match("^%a+://[^/]+(.*)$"))
  local known = parameters_of(request.method, path) or {}
  for name in pairs(url.decode_query(query)) do
    check(request.method .. " " .. path, known[name:match("^[^%[]+")], "there is no parameter " .. name)
  end
end

local client = apivideo.client {
  api_key = "peer-key", base_url = arg[1], retries = 0, rate_limit = false, on_request = check_parameters,
  app = { name = "peers", version = "1.0" }, sdk = { name = "peers-sdk", version = "1.0.2" },
}

local function expect(name, result, err)
  check(name, result, err)
end

local RECORDED = "video.source.recorded"
local webhook = { url = "https://example.com/webhooks?a=b", events = apivideo.events:names() }

-- Each list with each of its parameters.
local lists = {
  webhooks = { events = RECORDED, currentPage = 2, pageSize = 100 },
  videos = {
    title = "Maths & more", tags = { "maths", "string theory" }, metadata = { Author = "J. Doe", ["A b"] = "é" },
    description = "On strings", liveStreamId = "li400mYKSgQ6xs7taUeSaEKr", sortBy = "publishedAt",
    sortOrder = "desc", currentPage = 1, pageSize = 25,
  },
  live_streams = { streamKey = "dw-dew8-q6w9-k67w-1ws8", name = "My Video", sortBy = "updatedAt",
    sortOrder = "asc", currentPage = 3, pageSize = 1 },
  summaries = { videoId = "vilkR8K3N7yrRcxcMt91234", origin = "auto", sourceStatus = "completed",
    sortBy = "createdAt", sortOrder = "asc", currentPage = 1, pageSize = 50 },
}
local sorts = {
  videos = { "title", "createdAt", "publishedAt", "updatedAt" },
  live_streams = { "name", "createdAt", "updatedAt" },
  summaries = { "createdAt", "updatedAt", "videoId" },
}

apivideo.run(function()
  for name, query in pairs(lists) do
    expect(name .. ":list()", client[name]:list())
    expect(name .. ":list(all)", client[name]:list(query))
    for parameter, value in pairs(query) do
      expect(name .. ":list " .. parameter, client[name]:list { [parameter] = value })
    end
    for _, field in ipairs(sorts[name] or {}) do
      expect(name .. ":list sorted by " .. field, client[name]:list { sortBy = field, sortOrder = "desc" })
    end
    local count = 0
    for _ in client[name]:each() do count = count + 1 end
    check(name .. ":each", count > 0, "it returned no item")
  end
  expect("webhooks:create", client.webhooks:create(webhook))
  expect("webhooks:create one", client.webhooks:create { url = "http://example.com", events = { RECORDED } })
  expect("webhooks:get", client.webhooks:get "webhook_XXXXXXXXXXXXXXX")
  expect("webhooks:delete", client.webhooks:delete "webhook_XXXXXXXXXXXXXXX")
  expect("videos:get", client.videos:get "vi4k0jvEUuaTdRAEjQ4Jfrgz")
  expect("videos:status", client.videos:status "vi4k0jvEUuaTdRAEjQ4Jfrgz")
  expect("live_streams:get", client.live_streams:get "li400mYKSgQ6xs7taUeSaEKr")
  expect("captions:list", client.captions:list "vi4k0jvEUuaTdRAEjQ4Prklg")
  expect("captions:list all", client.captions:list("vi4k0jvEUuaTdRAEjQ4Prklg", { currentPage = 1, pageSize = 10 }))
  expect("auth", client:request("POST", "/auth/api-key", { body = { apiKey = "peer-key" } }))
  expect("auth", client:request("POST", "/auth/refresh", { body = { refreshToken = "x" } }))

  -- The server does validate: otherwise, the checks above would mean nothing.
  local result, err = client:request("GET", "/summaries", { query = { origin = "unknown" } })
  check("the server's validation", not result and err.status == 422, err)
end)

print(("%d passed, %d failed"):format(passed, failed))
