-- Deliveries to a real nginx, whose workers recognise duplicates by a shared dictionary.

local apivideo = require "apivideo"
local nginx_receiver = require "spec.support.nginx_receiver"
local runtime = require "apivideo.runtime"

local new_body, post = nginx_receiver.new_body, nginx_receiver.post
local seen, start = nginx_receiver.seen, nginx_receiver.start

local EVENTS, DELIVERIES = 20, 4

nginx_receiver.describe(function()
  describe("with dedupe", function()
    local nginx

    before_each(function()
      local app = nginx_receiver.SIMPLE:gsub("max_body = @max@", "dedupe = { store = ngx.shared.apivideo }")
      nginx = start(app, { workers = 2, listen = "reuseport" })
      nginx_receiver.add(nginx)
    end)

    -- Posts new events over new connections, which the kernel distributes over the workers. Returns their ids.
    local function post_events()
      local bodies, ids = {}, {}
      for i = 1, EVENTS * DELIVERIES do
        if i <= EVENTS then bodies[i], ids[i] = new_body() else bodies[i] = bodies[i - EVENTS] end
      end
      apivideo.run(function()
        local _, errs = apivideo.parallel(#bodies, bodies, function(body)
          local status
          repeat status = post(nginx, "/webhooks", body) until status ~= 503 -- as api.video retries
          assert.equal(204, status)
        end)
        assert.is_nil(errs)
      end)
      runtime.release()
      return ids
    end

    it("handles each event once, in any worker", function()
      local rounds, workers = 0
      repeat
        rounds = rounds + 1
        local ids, all = post_events(), seen(nginx)
        for _, id in ipairs(ids) do assert.equal(1, all[id]) end
        workers = 0
        for key in pairs(all) do workers = workers + (key:find "^worker " and 1 or 0) end
      until workers == 2 or rounds == 20
      assert.equal(2, workers)
      local text = nginx:get "/metrics"
      assert.truthy(text:find('apivideo_deliveries_duplicate_total{type="video.encoding.quality.completed"}', 1, true))
    end)

    it("runs failed handlers again", function()
      local body = new_body { type = "video.caption.generated" }
      for _ = 1, 3 do assert.equal(500, post(nginx, "/webhooks", body)) end
    end)
  end)
end)
