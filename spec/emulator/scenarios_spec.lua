local catalogue = require "apivideo.events"
local qualities = require "apivideo.emulator.qualities"
local scenarios = require "apivideo.emulator.scenarios"

-- Each event of a scenario in one word.
local function words(name, options)
  local events, failures = scenarios.events(scenarios.find(name), catalogue, options or {})
  local list = {}
  for i, event in ipairs(events) do
    list[i] = event.encoding and event.encoding .. "-" .. event.quality or event.type:match "%w+%.%w+$"
  end
  return table.concat(list, " "), failures, events
end

describe("emulator.scenarios", function()
  it("has the events of an upload, of a broadcast and of its recording in their order", function()
    assert.equal("hls-240p hls-360p hls-480p hls-720p mp4-720p", (words "upload"))
    assert.equal("hls-240p mp4-240p", (words("upload", { quality = "240p" })))
    assert.equal("broadcast.started broadcast.ended", (words "live"))
    assert.equal("broadcast.started broadcast.ended source.recorded hls-240p hls-360p mp4-360p",
      (words("recording", { quality = "360p" })))
    assert.equal("hls-240p mp4-240p caption.generated summary.generated", (words("transcript", { quality = "240p" })))
  end)

  it("has events without those of qualities that fail", function()
    assert.equal("hls-240p hls-360p mp4-480p", (words("upload", { quality = "480p", failed = { "hls 480p" } })))
    local text, failures = words("upload", { quality = "360p", failed = { "360p", "mp4" } })
    assert.equal("hls-240p", text)
    assert.equal(2, failures)
  end)

  it("gives all events of a run the same new ids, only those of the scenario, and no date", function()
    for _, scenario in ipairs(scenarios.list) do
      local _, _, events = words(scenario.name)
      local _, _, others = words(scenario.name)
      local expected = {}
      for _, field in ipairs(scenario.ids) do expected[field] = true end
      local values = {}
      for i, event in ipairs(events) do
        assert.is_nil(event.emittedAt)
        for _, field in ipairs { "videoId", "liveStreamId", "captionId", "summaryId" } do
          if event[field] then
            assert.is_true(expected[field], scenario.name .. " " .. field)
            values[field] = values[field] or event[field]
            assert.equal(values[field], event[field])
            assert.not_equal(others[i][field], event[field])
          end
        end
        for _, field in ipairs(catalogue.types[event.type].required) do
          assert.truthy(event[field] or field == "emittedAt", scenario.name .. ": " .. event.type .. " " .. field)
        end
      end
      for field in pairs(expected) do assert.truthy(values[field], scenario.name .. " " .. field) end
    end
  end)

  it("tells which scenarios have qualities, and which qualities exist", function()
    assert.is_true(scenarios.has_encoding(scenarios.find "recording"))
    assert.is_false(scenarios.has_encoding(scenarios.find "live"))
    assert.is_nil(scenarios.find "video.source.recorded")
    assert.is_nil(qualities.problem "2160p")
    assert.equal('must be one of 240p, 360p, 480p, 720p, 1080p, 2160p, got "721p"', qualities.problem "721p")
  end)
end)
