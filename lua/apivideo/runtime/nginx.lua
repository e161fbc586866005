--- nginx's event loop. What waits yields to it; libcurl's transfers are driven by one timer of each
--- worker, between short sleeps, however many calls wait for them.

local core = require "apivideo.core"
local latches = require "apivideo.runtime.latches"
local protected = require "apivideo.pcall"
local redact = require "apivideo.redact"
local semaphore = require "ngx.semaphore"
local standalone = require "apivideo.runtime.standalone"

local SHORTEST, LONGEST = 0.001, 0.004 -- seconds between two looks at the transfers
local LONG = 3600                      -- seconds of a wait without a limit, which is then waited again

local runtime = { now = core.now, monotonic = core.monotonic }

local can_wait = {
  server_rewrite = true, rewrite = true, access = true, content = true, timer = true, preread = true,
  ssl_cert = true, ssl_session_fetch = true, ssl_client_hello = true,
}

--- Why nothing can wait here, or nil. (In init_by_lua there is no loop yet, and nobody to be held up:
--- there a wait blocks.)
---@return string?
function runtime.refusal()
  local phase = ngx.get_phase()
  if can_wait[phase] or phase == "init" then return nil end
  return ("nginx cannot wait in its phase %s; do it from a timer: ngx.timer.at(0, function() ... end)")
    :format(phase)
end

-- Ends a wait, once.
local function wake(wait)
  if wait.over then return end
  wait.over = true
  if wait.semaphore then wait.semaphore:post(1) end
end

-- Waits until `wait` is woken, or for some seconds; false when the time ran out.
local function suspend(wait, seconds)
  local ends = core.monotonic() + (seconds or LONG)
  wait.semaphore = assert(semaphore.new(0))
  while not wait.over do
    local left = ends - core.monotonic()
    if left > 0 then
      wait.semaphore:wait(left)
    elseif seconds then
      return false
    else
      ends = core.monotonic() + LONG
    end
  end
  return true
end

local new_latch = latches.over(suspend, wake)

-- What was opened before the workers are forked must not live on in them.
local function release(...)
  standalone.release()
  return ...
end

-- A function that the other loop does in init_by_lua.
local function except_in_init(name, fn)
  runtime[name] = function(...)
    if ngx.get_phase() == "init" then return release(standalone[name](...)) end
    return fn(...)
  end
end

except_in_init("latch", new_latch)

except_in_init("sleep", function(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
    error("sleep: seconds expected, a number from 0 on", 3)
  end
  ngx.sleep(seconds)
end)

local function report(err)
  ngx.log(ngx.ERR, "apivideo: a task failed: ", redact.text(tostring(err)))
end

-- Starts a task that no request's end ends: in a timer, or at once where nginx has none left.
except_in_init("spawn", function(fn, ...)
  if type(fn) ~= "function" then error("spawn: a function expected, got " .. type(fn), 3) end
  local function task(_, ...)
    local ok, err = protected.call(fn, ...)
    if not ok then report(err) end
  end
  if not ngx.timer.at(0, task, ...) then task(false, ...) end
end)

-- Starts a task that belongs to the request, or the timer, that runs now.
except_in_init("child", function(fn) ngx.thread.spawn(fn) end)

except_in_init("run", function(fn, ...) return fn(...) end)

local pool
local waits, in_flight = {}, 0 -- transfer -> who waits for it
local driving, fresh = false, false

local function current_pool()
  if not pool or pool:forked() then
    pool = assert(core.http.new())
    waits, in_flight = {}, 0
  end
  return pool
end

-- Looks at the transfers, and wakes who waits for one that has ended; whether any has.
local function look()
  local finished = current_pool():step(0)
  for _, transfer in ipairs(finished or {}) do
    local wait = waits[transfer]
    if wait then
      waits[transfer], in_flight = nil, in_flight - 1
      wake(wait)
    end
  end
  return finished ~= nil
end

-- Looks again and again, less often while nothing happens, until no transfer is left, or until `wait`
-- is over.
local function drive(wait)
  local pause = SHORTEST
  while in_flight > 0 and not (wait and wait.over) do
    if look() or fresh then
      pause, fresh = SHORTEST, false
    else
      pause = math.min(pause * 1.5, LONGEST)
    end
    if in_flight > 0 then ngx.sleep(pause) end
  end
end

local function drive_from_timer()
  local ok, err = protected.call(drive)
  driving = false
  if not ok then report(err) end
end

-- Sees to it that somebody drives.
local function start_driver(wait)
  fresh = true
  if driving then return end
  if ngx.timer.at(0, drive_from_timer) then
    driving = true
  else
    drive(wait) -- nginx has no timer left: this call drives until it has its own answer
  end
end

except_in_init("transfer", function(request, cancel)
  local refusal = runtime.refusal()
  if refusal then return nil, "wrong_phase", refusal, false end
  if cancel and cancel:is_open() then return nil, "cancelled", "the request was cancelled", false end
  local transfer, kind, message = current_pool():start(request)
  if not transfer then return nil, kind, message, false end
  local wait = {}
  waits[transfer], in_flight = wait, in_flight + 1
  if cancel then cancel:join(wait) end
  start_driver(wait)
  suspend(wait)
  if cancel then cancel:leave(wait) end
  if waits[transfer] then -- it was the latch that ended the wait
    waits[transfer], in_flight = nil, in_flight - 1
    transfer:cancel()
  end
  return transfer:result()
end)

return runtime
