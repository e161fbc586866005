--- Measures how processor time grows with the amount of work: at most as that of cjson.decode with the bytes that it
--- reads, or not at all where more data need not mean more work. The exponent shows it: 1 is linear, 0 is constant, 2
--- is quadratic.

local apivideo = require "apivideo"
local bodies = require "bench.bodies"
local cjson = require "cjson"
local figures = require "bench.figures"
local new_program = require "bench.program"
local processor = require "bench.processor"
local receiver_process = require "spec.support.receiver_process"
local socket = require "socket"

local http_server, directory = arg[1], arg[2]

local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION
local ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local SAMPLE_S = 0.01         -- processor time of a sample
local BACKLOGS = { 100, 1000, 10000, 30000, 100000 }
local SECRET = receiver_process.SECRET

-- The slope of log y over log x, of the upper half of the points, where fixed costs have little weight.
local function exponent_of(points)
  local n, sx, sy, sxx, sxy = 0, 0, 0, 0, 0
  for i = math.floor(#points / 2) + 1, #points do
    local x, y = math.log(points[i][1]), math.log(points[i][2])
    n, sx, sy, sxx, sxy = n + 1, sx + x, sy + y, sxx + x * x, sxy + x * y
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

-- The medians of cost(prepare(x)) for each x, measured in alternating rounds.
local function points_of(values, prepare, cost)
  local prepared, found, points = {}, {}, {}
  for i, value in ipairs(values) do prepared[i], found[i] = prepare(value), {} end
  for round = 0, ROUNDS do -- round 0 warms up
    for i in ipairs(values) do found[i][round] = cost(prepared[i], values[i]) end
  end
  for i, value in ipairs(values) do
    found[i][0] = nil
    points[i] = { value, figures.median(found[i]) }
  end
  return points
end

-- Measures how a cost grows. Returns the row's name, the exponent, and the points.
local function measure(what, x, y, values, prepare, cost)
  local points = points_of(values, prepare, cost)
  what = ("%s, by %s, %s"):format(what, x, LUA)
  figures.series { what = what, x = x, y = y, points = points }
  return "exponent: " .. what, exponent_of(points), points
end

-- Reports a cost that must not grow.
local function show_flat(...)
  local what, exponent, points = measure(...)
  local first, last = points[1], points[#points]
  figures.row("growth_flat", { what = what, unit = "", ours = exponent,
    against = ("with %.0f times as much, the cost is %.2f times as high; caches hold less of it"):format(
      last[1] / first[1], last[2] / first[2]) })
end

-- The time of a call in microseconds, averaged over a sample.
local function microseconds(fn)
  local count = 1
  while true do
    local began = os.clock()
    for _ = 1, count do fn() end
    local seconds = os.clock() - began
    if seconds >= SAMPLE_S then return seconds / count * 1e6 end
    count = count * math.max(2, math.min(100, math.ceil(SAMPLE_S / math.max(seconds, 1e-6))))
  end
end

-- Verifies, parses and handles the same delivery repeatedly.
local function receiving(body)
  local receiver = apivideo.receiver { secrets = SECRET, handlers = apivideo.handlers():on("*", function() end) }
  local headers = { ["X-Api-Video-Signature"] = apivideo.sign(body, SECRET) }
  local request = { method = "POST", body = body, headers = headers }
  return function() assert(receiver:receive(request) == 204) end
end

-- The exponent of cjson.decode, whose cost grows with cache misses, for the same bodies.
local function decoding(values, body_of)
  return exponent_of(points_of(values, body_of, function(body)
    return microseconds(function() cjson.decode(body) end)
  end))
end

local BYTES, MEMBERS = { 200, 1000, 4000, 16000, 64000, 256000, 1000000 }, { 1, 10, 30, 100, 300, 1000 }

-- Reports a cost that may grow like that of cjson.decode.
local function show_growing(theirs, against, ...)
  local what, exponent = measure(...)
  figures.row("growth_bytes", { what = what, unit = "", ours = exponent, theirs = theirs, share = exponent - theirs,
    against = against })
end

-- How the cost grows with the members in objects of 10, whose names have different hashes, so that they are not sorted.
local function without_sorting()
  local function body_of(count) return bodies.of_objects(count, 10) end
  local ours = exponent_of(points_of(MEMBERS, function(count) return receiving(body_of(count)) end, microseconds))
  return ("of many names in one object, the parser sorts them, because a repeated one is an error; "
    .. "in objects of 10, for which it does not, the exponent is %.2f more"):format(ours - decoding(MEMBERS, body_of))
end

-- How the cost of each part alone grows.
local function in_parts(decode_bytes)
  local function more(prepare) return exponent_of(points_of(BYTES, prepare, microseconds)) - decode_bytes end
  return ("parsing alone: %.2f more, verification alone: %.2f more"):format(more(function(bytes)
    local body = bodies.of_bytes(bytes)
    return function() assert(apivideo.parse(body)) end
  end), more(function(bytes)
    local body = bodies.of_bytes(bytes)
    local signature = apivideo.sign(body, SECRET)
    return function() assert(apivideo.verify(body, signature, SECRET)) end
  end))
end

local function receive_growing(decode_bytes)
  show_growing(decode_bytes, in_parts(decode_bytes), "receiving", "bytes of the body", "µs a delivery", BYTES,
    function(count) return receiving(bodies.of_bytes(count)) end, microseconds)
  show_growing(decoding(MEMBERS, bodies.of_members), without_sorting(), "receiving", "members of the event",
    "µs a delivery", MEMBERS, function(count) return receiving(bodies.of_members(count)) end, microseconds)
end

-- The bytes of a signed delivery on a keep-alive connection.
local function delivery_of(body)
  return ("POST / HTTP/1.1\r\nHost: x\r\nX-Api-Video-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"):format(
    apivideo.sign(body, SECRET), #body, body)
end

local function server_growing(decode_bytes)
  local receiver = receiver_process.start { max_body = 2 ^ 20 }
  local connection = assert(socket.connect("127.0.0.1", receiver.port))
  connection:setoption("tcp-nodelay", true)
  local function cost(delivery)
    local count, began = math.max(20, math.min(500, math.floor(5e6 / #delivery))), processor(receiver.pid)
    for _ = 1, count do
      assert(connection:send(delivery))
      assert(connection:receive():find("^HTTP/1.1 204"))
      repeat until assert(connection:receive()) == ""
    end
    return (processor(receiver.pid) - began) / count * 1e6
  end
  show_growing(decode_bytes, nil, "standalone server", "bytes of the body", "µs a delivery", BYTES,
    function(bytes) return delivery_of(bodies.of_bytes(bytes)) end, cost)
  connection:close()
  receiver:stop()
end

local function dispatch_growing()
  local event = apivideo.events:sample "video.source.recorded"
  show_flat("dispatch", "handlers that do not match", "µs an event", { 1, 10, 100, 1000, 10000 }, function(count)
    local handlers = apivideo.handlers():on(event.type, function() end)
    for _ = 1, count do handlers:on("video.caption.generated", function() error "must not be called" end) end
    return function() assert(handlers:dispatch(event) == 1) end
  end, microseconds)
end

-- Claims and completes an event in a store with a backlog of constant length.
local function drain(store, numbers)
  local entry = assert(store:claim(1, 60))[1]
  assert(store:complete(entry.id, entry.token))
  numbers.last = numbers.last + 1
  assert(store:put({ numbers:item() }, 20))
end

local function inbox_growing(name, backlogs, new_store)
  show_flat("inbox in " .. name, "events waiting", "µs to put, claim and complete one", backlogs, function(backlog)
    local store, numbers, raw_event = new_store(backlog), { last = 0 }, bodies.encode {}
    function numbers:item()
      return { key = ("21:video.source.recorded%016d"):format(self.last), raw = raw_event, verified = true,
        received_at = 1700000000 }
    end
    while numbers.last < backlog do
      local items = {}
      for i = 1, math.min(1000, backlog) do
        numbers.last = numbers.last + 1
        items[i] = numbers:item()
      end
      assert(store:put(items, 20))
    end
    return function() drain(store, numbers) end
  end, microseconds)
end

-- Calls of some milliseconds each, with a constant number in flight.
local function calls_growing()
  local MILLISECONDS, SAMPLE_S_CALLS = 20, 50
  local peer = new_program(("%s %d"):format(http_server, MILLISECONDS))
  local client = apivideo.client { api_key = "key", base_url = peer.url }
  show_flat("calls", "in flight", "µs a call", { 1, 3, 10, 30, 100, 300, 500 }, function(limit)
    local items = {}
    for i = 1, math.max(SAMPLE_S_CALLS, 4 * limit) do items[i] = i end
    return items
  end, function(items, limit)
    local began = os.clock()
    local _, errors = apivideo.run(apivideo.parallel, limit, items, function()
      return client:request("GET", "/webhooks/webhook_X")
    end)
    assert(not errors)
    return (os.clock() - began) / #items * 1e6
  end)
  peer.stop()
end

local decode_bytes = decoding(BYTES, bodies.of_bytes)
receive_growing(decode_bytes)
server_growing(decode_bytes)
dispatch_growing()
inbox_growing("memory", BACKLOGS, function()
  return require "apivideo.inbox.memory" ()
end)
if pcall(require, "DBI") then
  inbox_growing("sqlite", BACKLOGS, function(backlog)
    return require "apivideo.inbox.sqlite" { path = ("%s/%d.db"):format(directory, backlog) }
  end)
else
  figures.absent("growth_flat", "exponent: inbox in sqlite, " .. LUA, "LuaDBI is not installed")
end
calls_growing()
os.exit(figures.failed and 1 or 0)
