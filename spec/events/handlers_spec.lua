local apivideo = require "apivideo"
local misuse = require "spec.support.misuse"
local permanent = require "apivideo.events.permanent"
local runtime = require "apivideo.runtime"
local stderr = require "spec.support.stderr"

local QUALITY, STARTED = "video.encoding.quality.completed", "live-stream.broadcast.started"

describe("handlers", function()
  local handlers, calls

  before_each(function()
    handlers, calls = apivideo.handlers(), {}
  end)

  local function note(name)
    return function(event) calls[#calls + 1] = name .. " " .. event.type end
  end

  local function dispatch(name)
    calls = {}
    local count, errs = handlers:dispatch({ type = name }, {})
    return count, errs
  end

  it("run for their type, with the event and the delivery", function()
    local got
    handlers:on(QUALITY, function(...) got = { ... } end)
    local event, delivery = { type = QUALITY }, {}
    assert.equal(1, handlers:dispatch(event, delivery))
    assert.equal(event, got[1])
    assert.equal(delivery, got[2])
    got = nil
    assert.equal(0, dispatch(STARTED))
    assert.is_nil(got)
  end)

  it("run for lists and patterns, in the order of registration", function()
    handlers:on("*", note "all")
    handlers:on({ QUALITY, STARTED }, note "list")
    handlers:on("video.*", note "video")
    handlers:on("video.encoding.*", note "encoding")
    handlers:on(QUALITY, note "exact")
    assert.equal(5, dispatch(QUALITY))
    assert.same({ "all " .. QUALITY, "list " .. QUALITY, "video " .. QUALITY, "encoding " .. QUALITY,
      "exact " .. QUALITY }, calls)
    assert.equal(2, dispatch(STARTED))
    assert.same({ "all " .. STARTED, "list " .. STARTED }, calls)
    assert.equal(1, dispatch "video")
    assert.equal(2, dispatch "video.new.kind")
  end)

  it("leave events that no handler matches to otherwise", function()
    handlers:on(QUALITY, note "quality")
    handlers:otherwise(note "otherwise")
    dispatch(QUALITY)
    assert.same({ "quality " .. QUALITY }, calls)
    assert.equal(1, dispatch "live-stream.renamed")
    assert.same({ "otherwise live-stream.renamed" }, calls)
  end)

  it("all run although one fails, and dispatch returns all errors", function()
    local raised = { "table" }
    local told = {}
    handlers:on(QUALITY, function() error("raised", 0) end)
    handlers:on(QUALITY, note "second")
    handlers:on(QUALITY, function() return nil, "returned" end)
    handlers:on(QUALITY, function() error(raised) end)
    handlers:on(QUALITY, function() return false, "said no" end)
    handlers:on(QUALITY, function() return false end)
    handlers:on(QUALITY, function() return nil end)
    handlers:on(QUALITY, function() return "a result", "and another" end)
    handlers:on_error(function(err, event) told[#told + 1] = { err, event.type } end)
    local count, errs = dispatch(QUALITY)
    assert.is_nil(count)
    assert.same({ "raised", "returned", raised, "said no", "a handler returned false" }, errs)
    assert.same({ "second " .. QUALITY }, calls)
    assert.same({ { "raised", QUALITY }, { "returned", QUALITY }, { raised, QUALITY },
      { "said no", QUALITY }, { "a handler returned false", QUALITY } }, told)
  end)

  it("can fail with nil, and so can on_error", function()
    handlers:on(QUALITY, function() error() end)
    handlers:on_error(function() error("in on_error", 0) end)
    local _, errs = dispatch(QUALITY)
    assert.equal(2, #errs)
    assert.equal("in on_error", errs[2])
  end)

  it("report each failure to all functions of on_error, in their order, although one of them fails", function()
    local told = {}
    local function tell(name)
      return function(err, event) told[#told + 1] = ("%s %s %s"):format(name, err, event.type) end
    end
    handlers:on(QUALITY, function() error("x", 0) end)
    handlers:on_error(tell "a"):on_error(function() error "b" end):on_error(tell "c")
    handlers:on_error(function()
      told[#told + 1] = "d"
      handlers:on_error(tell "late")
    end)
    local _, errs, tracebacks = handlers:dispatch({ type = QUALITY }, {})
    assert.same({ "a x " .. QUALITY, "c x " .. QUALITY, "d" }, told)
    assert.equal(2, #errs)
    assert.truthy(errs[2]:find("b", 1, true))
    assert.truthy(tracebacks[2])
    told = {}
    dispatch(QUALITY)
    assert.same({ "a x " .. QUALITY, "c x " .. QUALITY, "d", "late x " .. QUALITY }, told)
  end)

  it("can fail in otherwise, too", function()
    handlers:otherwise(function() error("x", 0) end)
    assert.same({ "x" }, select(2, dispatch "new"))
  end)

  it("pass the traceback of a raised error to on_error and to the caller of dispatch", function()
    local told = {}
    handlers:on(QUALITY, function() return nil, "returned" end)
    handlers:on(QUALITY, function() error "raised" end)
    handlers:on_error(function(_, _, _, traceback) told[#told + 1] = traceback or "none" end)
    local _, _, tracebacks = handlers:dispatch({ type = QUALITY }, {})
    assert.is_nil(tracebacks[1])
    assert.truthy(tracebacks[2]:find("spec/events/handlers_spec.lua:%d+: in"))
    assert.same({ "none", tracebacks[2] }, told)
  end)

  it("pass the traceback of a task that waited before it raised", function()
    handlers:on(QUALITY, function()
      runtime.sleep(0)
      error "raised"
    end)
    local tracebacks = runtime.run(function() return (select(3, handlers:dispatch { type = QUALITY })) end)
    assert.truthy(tracebacks[1]:find("spec/events/handlers_spec.lua:%d+: in"))
  end)

  describe("that create a permanent failure", function()
    local function logged(...)
      for _, fn in ipairs { ... } do handlers:on(QUALITY, fn) end
      return table.concat(stderr.of(function() dispatch(QUALITY) end))
    end
    local _, constant = apivideo.permanent "made before"

    it("and do not return it are logged", function()
      local written = logged(function() apivideo.permanent("no such\nvideo") end)
      assert.truthy(written:find("a handler of " .. QUALITY .. " called apivideo.permanent(no such video) but did not"
        .. " return its results", 1, true), written)
    end)

    it("and fail with another error are logged", function()
      local written = logged(function() return nil, "wrapped: " .. tostring(select(2, apivideo.permanent "x")) end)
      assert.truthy(written:find("did not return its results", 1, true), written)
    end)

    it("in a task are logged, although another task creates one at the same time", function()
      local written = table.concat(stderr.of(function()
        handlers:on(QUALITY, function(event)
          apivideo.sleep(0)
          if event.drops then apivideo.permanent "dropped" else return apivideo.permanent "returned" end
        end)
        runtime.run(function()
          apivideo.parallel(2, { true, false }, function(drops) handlers:dispatch { type = QUALITY, drops = drops } end)
        end)
      end))
      assert.truthy(written:find("permanent(dropped)", 1, true), written)
      assert.is_nil(written:find("permanent(returned)", 1, true), written)
    end)

    it("and return or raise it are not logged", function()
      assert.equal("", logged(function() return apivideo.permanent "x" end, function() return constant end,
        function() return nil, constant end, function() error((select(2, apivideo.permanent "x"))) end,
        function() return nil end))
      local _, errs = dispatch(QUALITY)
      assert.equal(4, #errs)
      for _, err in ipairs(errs) do assert.is_true(permanent.is(err)) end
    end)
  end)

  it("are removed by off", function()
    local fn = note "a"
    handlers:on({ QUALITY, STARTED }, fn)
    handlers:on(QUALITY, note "b")
    dispatch(QUALITY)
    assert.equal(1, handlers:off(QUALITY, fn))
    assert.equal(0, handlers:off(QUALITY, fn))
    dispatch(QUALITY)
    assert.same({ "b " .. QUALITY }, calls)
    assert.equal(1, dispatch(STARTED))
  end)

  it("can wait in a task", function()
    handlers:on(QUALITY, function() runtime.sleep(0) calls[#calls + 1] = "waited" end)
    runtime.run(function() assert(handlers:dispatch { type = QUALITY }) end)
    assert.same({ "waited" }, calls)
  end)

  it("registered by a running handler run for the next event", function()
    handlers:on(QUALITY, function() handlers:on(QUALITY, note "late") end)
    assert.equal(1, dispatch(QUALITY))
    assert.equal(2, dispatch(QUALITY))
  end)

  it("use bounded memory for types that the sender invents", function()
    handlers:on(QUALITY, note "a")
    for i = 1, 1000 do handlers:dispatch { type = "made.up." .. i } end
    local kept = 0
    for _ in pairs(handlers._registry.cache) do kept = kept + 1 end
    assert.is_true(kept <= 256)
  end)

  it("are rejected without a type or a function", function()
    local function message(...)
      local ok, err = pcall(handlers.on, handlers, ...)
      assert.is_false(ok)
      return err
    end
    assert.truthy(message({}, print):find("missing"))
    assert.truthy(message({ QUALITY, 5 }, print):find("must be a string"))
    assert.truthy(message(QUALITY):find("a function expected, got nil"))
    assert.is_false(pcall(handlers.otherwise, handlers, {}))
    assert.is_false(pcall(handlers.on_error, handlers))
    assert.equal(0, dispatch(QUALITY))
  end)

  it("raise if a method is called with a dot", function()
    for name, arguments in pairs { on = { QUALITY, print }, off = { { QUALITY }, print }, otherwise = { print },
      on_error = { print }, types = {}, dispatch = { { type = QUALITY }, {} } } do
      local message = misuse(function() return (handlers[name](arguments[1], arguments[2])) end)
      assert.truthy(message:find(("handlers:%s: call it with a colon, handlers:%s(…)"):format(name, name), 1, true),
        message)
      assert.truthy(misuse(function() handlers[name]() end):find("colon", 1, true))
    end
  end)

  it("support the application's types", function()
    local catalogue = apivideo.events:extend {
      ["video.renamed"] = { required = { "videoId" }, identity = { "videoId" } },
    }
    local extended = apivideo.handlers { events = catalogue }
    extended:on("video.renamed", note "own")
    assert.equal(1, extended:dispatch { type = "video.renamed" })
    assert.is_false(pcall(apivideo.handlers, { event = catalogue }))
  end)
end)
