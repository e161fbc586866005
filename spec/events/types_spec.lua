-- Editors complete the fields of an event: each type of the catalogue has a class, and `handlers:on` an overload that
-- gives a handler of the type that class.

local annotations = require "spec.support.annotations"
local types = require "apivideo.events.types"

-- The class of a type: video.source.recorded -> apivideo.event.VideoSourceRecorded
local function class_of(name)
  return "apivideo.event." .. name:gsub("%f[%a]%a", string.upper):gsub("%A", "")
end

-- Types that handlers:on does not take: on_ready, on_recording and on_caption register functions for
-- them.
local ONLY_READY = { ["apivideo.video.ready"] = true, ["apivideo.recording.ready"] = true,
  ["apivideo.caption.available"] = true }

local function set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

describe("annotations of event types", function()
  local classes = annotations.classes()

  for name, schema in pairs(types) do
    it("have a class with each field of " .. name, function()
      local class = assert(classes[class_of(name)], "no ---@class " .. class_of(name))
      assert.equal("apivideo.Event", class.parent)
      local own, required, fields = {}, set_of(schema.required), annotations.fields(classes, class_of(name))
      for _, field in ipairs(class.fields) do own[field.name] = field end
      assert.equal(('"%s"'):format(name), own.type and own.type.text)
      for field, value in pairs(schema.sample) do
        if field ~= "type" then
          assert(fields[field], "no ---@field " .. field)
          assert.equal(not required[field], fields[field].optional, field .. " is optional")
          local is_text = fields[field].text:find "%f[%a]string%f[%A]"
          assert.equal(type(value), is_text and "string" or fields[field].text:match "^%a+", field)
        end
      end
      for field in pairs(own) do assert(schema.sample[field], "the sample has no " .. field) end
    end)
  end

  it("have no class without a type", function()
    local known = {}
    for name in pairs(types) do known[class_of(name)] = true end
    for class in pairs(classes) do
      assert(known[class] or not class:find("apivideo.event.", 1, true), class .. " is not in the catalogue")
    end
  end)

  it("give a handler of each type the class of its event, with each form of handlers:on", function()
    local overloads, forms = {}, { fn = true }
    for _, block in ipairs(annotations.blocks "lua/apivideo/events/handlers.lua") do
      if block.code:find "^function Handlers:on%(types, filter, fn%)" then forms["filter, fn"] = true end
      for _, item in ipairs(block) do
        local name = item.tag == "overload" and item.text:match 'types: "([^"]+)"'
        if name then
          assert.equal(class_of(name), item.text:match "event: (apivideo%.event%.%w+)", name)
          assert.truthy(block.code:find("^function Handlers:on%("), block.code)
          overloads[name] = overloads[name] or {}
          overloads[name][item.text:find ", filter%??:" and "filter, fn" or "fn"] = true
        end
      end
    end
    for name in pairs(types) do
      local expected = not ONLY_READY[name] and forms or nil
      assert.same(expected, overloads[name], "handlers:on " .. name)
    end
    for name in pairs(overloads) do assert(types[name], name .. " is not in the catalogue") end
  end)

  it("have the overload for any type after those of each type, since editors take the first that matches", function()
    local order = {}
    for _, block in ipairs(annotations.blocks "lua/apivideo/events/handlers.lua") do
      for _, item in ipairs(block) do
        if item.tag == "overload" and block.code:find "^function Handlers:on%(" then
          order[#order + 1] = item.text:find('types: "', 1, true) and "one type" or "any type"
        end
      end
    end
    assert.equal("any type", table.remove(order))
    assert.truthy(#order > 0)
    for _, kind in ipairs(order) do assert.equal("one type", kind) end
  end)
end)
