--- The scripts of the Redis store that end the claim of an entry.

local prelude = require "apivideo.inbox.redis.prelude"
local putting = require "apivideo.inbox.redis.putting"

local script = prelude.script

local settling = {}

local COMPLETE = [=[
finish(n, record)
if not retains then call("XDEL", stream, n) end
store(n, record)
call("ZADD", done, n, n)
call("ZADD", done_by_end, time, n)
return 1
]=]

--- ARGV: id, token, the attempts ("": unchanged), as in the next four; whether to retain the bytes ("1"). Like those, it
--- returns 1, or 0 if the claim is lost.
settling.complete = script([=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
set_past(record, ARGV[3])
local retains = ARGV[4] == "1"
]=] .. COMPLETE)

--- ARGV: id, token, attempts, whether to retain the bytes, window, and the items (see `putting`), which are put first:
--- if that fails, the event is not completed.
settling.complete_and_put = script([=[
local n, time, window, FIRST = ARGV[1], now(), tonumber(ARGV[5]), 6
local record = claimed(n, ARGV[2])
if not record then return 0 end
set_past(record, ARGV[3])
local retains = ARGV[4] == "1"
]=] .. "local function put_items()\n" .. putting .. "end\nput_items()\n" .. COMPLETE)

--- ARGV: id, token.
settling.remove = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
finish(n, record)
forget(n, record)
return 1
]=]

--- ARGV: id, token, attempts, delay, message.
settling.retry = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
set_past(record, ARGV[3])
record[ERROR] = ARGV[5]
store(n, record)
call("XACK", stream, GROUP, n)
count(":failed", time, 1, time)
call("ZADD", attempts, record[ATTEMPT], n)
call("ZADD", delayed, time + ARGV[4], n)
call("ZADD", held, n, n)
if record[LANE] ~= "" then advance_lane(record[LANE]) end
return 1
]=]

--- ARGV: id, token, attempts, message.
settling.dead_letter = script [=[
local n, time = ARGV[1], now()
local record = claimed(n, ARGV[2])
if not record then return 0 end
finish(n, record)
set_past(record, ARGV[3])
record[ERROR] = ARGV[4]
store(n, record)
call("ZADD", dead, n, n)
call("ZADD", dead_by_end, time, n)
count(":failed", time, 1, time)
return 1
]=]

return settling
