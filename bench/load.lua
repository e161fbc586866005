--- Deliveries from wrk to servers in turn, and their processor time.

local apivideo = require "apivideo"
local cjson = require "cjson"
local figures = require "bench.figures"
local file = require "spec.support.file"
local processor = require "bench.processor"
local wrk = require "bench.wrk"

local load = {
  NODE_WARM_UP = 3, -- seconds, until Node.js has compiled what is called often
  SECRET = "sig_sec_0000000000000000000000",
  TYPE = "video.encoding.quality.completed",
}

load.BODY = cjson.encode(apivideo.events:sample(load.TYPE))
load.SIGNATURE = apivideo.sign(load.BODY, load.SECRET)

-- The headers of a delivery, by its sender.
local senders = {
  ["api.video"] = { ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000",
    ["X-Api-Video-Signature"] = load.SIGNATURE },
  GitHub = { ["X-GitHub-Event"] = "push", ["X-GitHub-Delivery"] = "1",
    ["X-Hub-Signature-256"] = "sha256=" .. load.SIGNATURE },
}

--- Writes a script for wrk that posts a delivery. Returns its path.
---@param path string
---@param sender "api.video"|"GitHub"
function load.write_script(path, sender)
  local lines = { ("wrk.method = 'POST' wrk.body = %q wrk.headers['Content-Type'] = 'application/json'")
    :format(load.BODY) }
  for name, value in pairs(senders[sender]) do lines[#lines + 1] = ("wrk.headers[%q] = %q"):format(name, value) end
  file.write(path, table.concat(lines, "\n"))
  return path
end

---@class apivideo.bench.LoadCase
---@field url string
---@field pid string of the process that is measured
---@field script string of wrk
---@field warm_up integer|nil seconds, default those of a round
---@field costs number[]|nil per round: microseconds of processor time of a request
---@field rates number[]|nil per round: requests per second

-- Runs a round of a case.
local function run(case, round, seconds)
  local before = processor(case.pid)
  local rate, count = wrk.run(case.url, seconds, case.script)
  case.costs[round] = (processor(case.pid) - before) / count * 1e6
  case.rates[round] = rate
end

--- Measures the cases in alternating rounds, after one that warms up.
---@param cases apivideo.bench.LoadCase[]
---@param rounds integer
---@param seconds integer of a round
function load.measure(cases, rounds, seconds)
  for _, case in ipairs(cases) do case.costs, case.rates = {}, {} end
  for round = 0, rounds do
    for _, case in ipairs(cases) do
      run(case, round, round == 0 and case.warm_up or seconds)
    end
  end
  for _, case in ipairs(cases) do case.costs[0], case.rates[0] = nil, nil end
end

--- A note on the rate of a case.
---@param case apivideo.bench.LoadCase
---@return string
function load.rate(case)
  return ("%.0f deliveries a second"):format(figures.median(case.rates))
end

return load
