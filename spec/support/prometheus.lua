--- A real Prometheus for tests, in a directory of its own.

local cjson = require "cjson"
local compile = require "spec.support.compile"
local file = require "spec.support.file"
local free_port = require "spec.support.free_port"
local http = require "apivideo.transport.http"
local url = require "apivideo.util.url"
local wait_for = require "spec.support.wait"

-- The end of the pipe on its standard input ends it, so that it never outlives this process.
local SCRIPT = "exec 3<&0; prometheus --config.file=%s/prometheus.yml --storage.tsdb.path=%s/data"
  .. " --web.listen-address=127.0.0.1:%d < /dev/null > %s/log 2>&1 & pid=$!;"
  .. " { cat <&3 > /dev/null; kill -KILL $pid 2> /dev/null; } & wait $pid; kill $! 2> /dev/null"

local START_TIMEOUT_S = 60 -- on a machine that is busy

local CONFIG = [[
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [%s]
scrape_configs:
  - job_name: %s
    static_configs: [{ targets: ["%s"] }]
]]

---@class spec.Prometheus
---@field url string
local Prometheus = {}
Prometheus.__index = Prometheus

--- The `data` of a response of its API; nil until it responds.
---@param path string
---@param query? table<string, string>
function Prometheus:api(path, query)
  local text = query and "?" .. url.encode_query(query) or ""
  local response = http.request { method = "GET", url = self.url .. path .. text }
  if not response or response.status ~= 200 then return nil end
  return cjson.decode(response.body).data
end

--- The results of a query, by their labels.
---@param expression string
---@return table[]
function Prometheus:query(expression)
  local data = self:api("/api/v1/query", { query = expression })
  return data and data.result or {}
end

--- Kills it and removes its data.
function Prometheus:stop()
  self.pipe:close()
  os.execute(("rm -rf %s"):format(self.directory))
end

local prometheus = {}

--- Why this machine has no Prometheus, or nil.
---@return string?
function prometheus.missing()
  if compile.run("command -v prometheus promtool") == "" then return "prometheus is not installed" end
end

--- Starts one that scrapes a target.
---@param job string
---@param target string host and port
---@param rules string the path of a file
---@return spec.Prometheus
function prometheus.start(job, target, rules)
  local directory, port = compile.run("mktemp -d"):gsub("%s+$", ""), free_port()
  file.write(directory .. "/prometheus.yml", CONFIG:format(rules, job, target))
  local self = setmetatable({ directory = directory, url = "http://127.0.0.1:" .. port,
    pipe = io.popen(SCRIPT:format(directory, directory, port, directory), "w") }, Prometheus)
  wait_for(function() return self:api "/api/v1/status/buildinfo" end, "Prometheus", START_TIMEOUT_S)
  return self
end

return prometheus
