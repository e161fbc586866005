--- Measures how processor time grows with the amount of work: at most linearly, or not at all where more data need
--- not mean more work. The exponent shows it: 1 is linear, 0 is constant, 2 is quadratic.

local apivideo = require "apivideo"
local cjson = require "cjson"
local figures = require "bench.figures"
local file = require "spec.support.file"
local new_peer = require "bench.http_peer"
local receiver_process = require "spec.support.receiver_process"
local socket = require "socket"

local http_server, directory = arg[1], arg[2]

local LUA = rawget(_G, "jit") and "LuaJIT" or _VERSION
local ROUNDS = 3
local SAMPLE_S = 0.01         -- processor time of a sample
local LINEAR, FLAT = 1.1, 0.3 -- maximum exponents; that of a logarithm is below the second
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

-- Reports how a cost grows. `limit` returns an explanation for an exponent above the bar.
local function show(what, x, y, values, bar, prepare, cost, limit)
  local points = points_of(values, prepare, cost)
  local exponent = exponent_of(points)
  what = ("%s, by %s, %s"):format(what, x, LUA)
  figures.series { what = what, x = x, y = y, points = points }
  figures.row { what = "exponent: " .. what, unit = "", ours = exponent, bar = bar, at_most = true,
    note = limit and exponent > bar and limit() or nil }
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

local function encode(more)
  local event = apivideo.events:sample "video.source.recorded"
  for name, value in pairs(more) do event[name] = value end
  return cjson.encode(event)
end

-- An event of about this size: a list of short texts.
local function body_of_bytes(bytes)
  local texts, length = {}, #encode { texts = { "" } }
  while length + 24 <= bytes do
    texts[#texts + 1] = ("text %016d"):format(#texts)
    length = length + 24
  end
  return encode { texts = texts }
end

local function body_of_members(count)
  local members = {}
  for i = 1, count do members[("member%04d"):format(i)] = i end
  return encode(members)
end

-- Verifies, parses and handles the same delivery repeatedly.
local function receiving(body)
  local receiver = apivideo.receiver { secrets = SECRET, handlers = apivideo.handlers():on("*", function() end) }
  local headers = { ["X-Api-Video-Signature"] = apivideo.sign(body, SECRET) }
  local request = { method = "POST", body = body, headers = headers }
  return function() assert(receiver:receive(request) == 204) end
end

-- The exponent of cjson.decode: its cost grows with cache misses.
local function decoding(values, body_of)
  return function()
    return ("cjson.decode of the same bodies grows with %.2f"):format(exponent_of(points_of(values, function(value)
      local body = body_of(value)
      return function() cjson.decode(body) end
    end, microseconds)))
  end
end

local function receive_growing()
  local bytes, members = { 200, 1000, 4000, 16000, 64000, 256000, 1000000 }, { 1, 10, 30, 100, 300, 1000 }
  show("receiving", "bytes of the body", "µs a delivery", bytes, LINEAR,
    function(count) return receiving(body_of_bytes(count)) end, microseconds, decoding(bytes, body_of_bytes))
  show("receiving", "members of the event", "µs a delivery", members, LINEAR,
    function(count) return receiving(body_of_members(count)) end, microseconds, decoding(members, body_of_members))
end

-- The bytes of a signed delivery on a keep-alive connection.
local function delivery_of(body, lines)
  return ("POST / HTTP/1.1\r\nHost: x\r\nX-Api-Video-Signature: %s\r\nContent-Length: %d\r\n%s\r\n%s"):format(
    apivideo.sign(body, SECRET), #body, lines, body)
end

-- The processor time of a server until now, in nanoseconds.
local function processor_time(receiver)
  return tonumber(file.read(("/proc/%d/schedstat"):format(receiver.pid)):match "%d+")
end

local function server_growing()
  local receiver = receiver_process.start { max_body = 2 ^ 20 }
  local connection = assert(socket.connect("127.0.0.1", receiver.port))
  connection:setoption("tcp-nodelay", true)
  local function cost(delivery)
    local count, began = math.max(20, math.min(500, math.floor(5e6 / #delivery))), processor_time(receiver)
    for _ = 1, count do
      assert(connection:send(delivery))
      assert(connection:receive():find("^HTTP/1.1 204"))
      repeat until assert(connection:receive()) == ""
    end
    return (processor_time(receiver) - began) / count / 1000
  end
  show("standalone server", "bytes of the body", "µs a delivery", { 200, 1000, 4000, 16000, 64000, 256000, 1000000 },
    LINEAR, function(bytes) return delivery_of(body_of_bytes(bytes), "") end, cost)
  show("standalone server", "headers", "µs a delivery", { 1, 3, 10, 30, 60, 100 }, LINEAR, function(count)
    local lines = {}
    for i = 1, count do lines[i] = ("X-Header-%d: value %d\r\n"):format(i, i) end
    return delivery_of(encode {}, table.concat(lines))
  end, cost)
  connection:close()
  receiver:stop()
end

local function dispatch_growing()
  local event = apivideo.events:sample "video.source.recorded"
  show("dispatch", "handlers that match", "µs an event", { 1, 3, 10, 30, 100, 300, 1000 }, LINEAR, function(count)
    local handlers, ran = apivideo.handlers(), 0
    for _ = 1, count do handlers:on(event.type, function() ran = ran + 1 end) end
    return function() assert(handlers:dispatch(event) == count) end
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
  show("inbox in " .. name, "events waiting", "µs to put, claim and complete one", backlogs, FLAT, function(backlog)
    local store, numbers, raw_event = new_store(backlog), { last = 0 }, encode {}
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
  local url, peer = new_peer(http_server, MILLISECONDS)
  local client = apivideo.client { api_key = "key", base_url = url }
  show("calls", "in flight", "µs a call", { 1, 3, 10, 30, 100, 300, 500 }, FLAT, function(limit)
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
  peer:close()
end

receive_growing()
server_growing()
dispatch_growing()
inbox_growing("memory", BACKLOGS, function()
  return require "apivideo.inbox.memory" ()
end)
if pcall(require, "DBI") then
  inbox_growing("sqlite", BACKLOGS, function(backlog)
    return require "apivideo.inbox.sqlite" { path = ("%s/%d.db"):format(directory, backlog) }
  end)
else
  figures.absent("growth: inbox in sqlite, " .. LUA, "its backlog", "LuaDBI is not installed")
end
calls_growing()
os.exit(figures.failed and 1 or 0)
