-- The rules and the dashboard of examples/monitoring, with a real Prometheus that scrapes a real run.

local apivideo = require "apivideo"
local cjson = require "cjson"
local compile = require "spec.support.compile"
local file = require "spec.support.file"
local inboxes = require "spec.support.inboxes"
local prometheus = require "spec.support.prometheus"
local running = require "spec.support.running"
local server = require "apivideo.server"
local testing = require "apivideo.testing"
local wait_for = require "spec.support.wait"

local RULES, DASHBOARD = "examples/monitoring/alerts.yml", "examples/monitoring/dashboard.json"
local SCRAPE_TIMEOUT_S = 60 -- on a machine that is busy

-- An inbox with an event that is a dead letter, one that is done, and one that waits.
local function new_inbox()
  local metrics = apivideo.metrics()
  local inbox = apivideo.inbox { store = apivideo.inbox.memory(), metrics = metrics }
  local client = apivideo.client { api_key = "key", base_url = "http://127.0.0.1:9", retries = 0, metrics = metrics }
  apivideo.reconcile { client = client, inbox = inbox }
  local receiver = apivideo.receiver { inbox = inbox, secrets = inboxes.SECRET }
  local handlers = apivideo.handlers():on("*", function(event)
    if event.captionId == "bad" then return apivideo.permanent "no" end
  end)
  for _, id in ipairs { "good", "bad" } do assert.equal(204, inboxes.deliver(receiver, inboxes.caption(id))) end
  inboxes.printed_by(function() assert.equal(2, testing.drain(inbox, handlers)) end)
  assert.equal(204, inboxes.deliver(receiver, inboxes.caption "waiting"))
  return inbox
end

describe("examples/monitoring", function()
  after_each(running.stop)

  it("names only metrics that exist", function()
    local inbox = new_inbox()
    assert(inbox:pause { type = "video.source.recorded" }) -- otherwise apivideo_inbox_type_paused has no series
    local text = inbox:metrics()
    local names = {}
    for name, kind in text:gmatch "# TYPE ([%w_]+) (%l+)" do
      names[kind == "histogram" and name .. "_bucket" or name] = true
    end
    names.apivideo_inbox_last_claim_seconds = true -- while a worker runs
    local count = 0
    for _, path in ipairs { RULES, DASHBOARD, "examples/monitoring/alerts_test.yml" } do
      for name in file.read(path):gmatch "apivideo_[%w_]+" do
        assert.is_true(names[name], name .. " in " .. path)
        count = count + 1
      end
    end
    assert.is_true(count > 30)
    for _, panel in ipairs(cjson.decode(file.read(DASHBOARD)).panels) do
      assert.is_true(#panel.targets > 0, panel.title)
    end
  end)

  it("has rules that promtool accepts, with tests that pass", function()
    if prometheus.missing() then pending(prometheus.missing()) end
    for _, command in ipairs { "check rules " .. RULES, "test rules examples/monitoring/alerts_test.yml" } do
      local output = compile.run("promtool " .. command .. " 2>&1")
      assert.truthy(output:find("SUCCESS", 1, true), output)
      assert.is_nil(output:find("FAILED", 1, true), output)
    end
  end)

  it("works in a Prometheus that scrapes an inbox #process", function()
    if prometheus.missing() then pending(prometheus.missing()) end
    local inbox = new_inbox()
    local listening = assert(server.listen { handler = function(request) return inbox:monitor(request) end })
    running.add(function() listening:stop() end)
    local rules = compile.run "pwd":gsub("%s+$", "") .. "/" .. RULES
    local started = prometheus.start("inbox", ("127.0.0.1:%d"):format(listening.port), rules)
    running.add(function() started:stop() end)
    local function value(expression)
      local result = started:query(expression)
      return result[1] and tonumber(result[1].value[2])
    end
    wait_for(function() return value 'apivideo_inbox_events{state="dead"}' == 1 end, "a scrape", SCRAPE_TIMEOUT_S)
    assert.equal(1, value 'sum by (job) (apivideo_inbox_attempts_total{outcome="completed"})')
    assert.equal(1, value 'apivideo_inbox_attempts_total{type="video.caption.generated",outcome="dead_lettered"}')
    assert.equal(3, value "apivideo_deliveries_received_total")
    assert.equal(2, value 'apivideo_inbox_handler_seconds_bucket{le="+Inf"}')
    -- Each query of the dashboard is valid.
    for _, panel in ipairs(cjson.decode(file.read(DASHBOARD)).panels) do
      for _, target in ipairs(panel.targets) do
        local expression = target.expr:gsub("%$job", "inbox")
        assert.truthy(started:api("/api/v1/query", { query = expression }), expression)
      end
    end
    wait_for(function()
      local data = started:api "/api/v1/alerts"
      for _, alert in ipairs(data and data.alerts or {}) do
        if alert.labels.alertname == "ApivideoDeadLetters" then return alert.state == "pending" end
      end
    end, "the alert", SCRAPE_TIMEOUT_S)
  end)
end)
