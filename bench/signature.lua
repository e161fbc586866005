--- Compares the verification of signatures with libcrypto called from C: bench/signature.lua PROGRAM
--- PROGRAM is bench/signature.c. Both verify messages one by one, with one secret.

local figures = require "bench.figures"
local signature = require("apivideo.core").signature

local ROUNDS, SECONDS = 15, 0.03 -- seconds for each side of a round
local SECRET = "sig_sec_0000000000000000000000"

local program = assert(arg[1], "bench/signature.lua PROGRAM")

-- The processor time of one verification, in nanoseconds.
local function time_ours(body, count)
  local hex, verify = signature.sign(body, SECRET), signature.verify
  for _ = 1, count / 10 + 1 do assert(verify(body, hex, SECRET)) end
  local held = 0
  local started = os.clock()
  for _ = 1, count do
    if verify(body, hex, SECRET) then held = held + 1 end
  end
  local taken = os.clock() - started
  assert(held == count)
  return taken / count * 1e9
end

local function time_bare(size, count)
  local bare = assert(io.popen(("%s %d %d"):format(program, size, count)))
  local nanoseconds = assert(bare:read "*n", "the program failed")
  bare:close()
  return nanoseconds
end

-- The time of a call of an empty C function from Lua, in nanoseconds.
local function time_call()
  local body, count = ("x"):rep(200), 1e6
  local started = os.clock()
  for _ = 1, count do rawequal(body, SECRET, SECRET) end
  return (os.clock() - started) / count * 1e9
end

-- Per round: the times of a verification, of the bare one in C, and of an empty call.
local function compare(size)
  local body = ("x"):rep(size)
  local count = math.ceil(SECONDS * 1e9 / time_ours(body, 1000))
  local ours, bare, call = {}, {}, {}
  for round = 1, ROUNDS do
    ours[round], bare[round], call[round] = time_ours(body, count), time_bare(size, count), time_call()
  end
  return ours, bare, call
end

local ours, bare, call = compare(200)
local floor = {}
for round, time in ipairs(bare) do floor[round] = time + call[round] end
figures.row("verify_small", { what = "signature.verify, 200 bytes", unit = "ns", ours = ours, theirs = floor,
  share = figures.differences(ours, floor),
  against = "beside libcrypto, a verification takes 590 instructions, of which 150 read the 64 digits" })
ours, bare = compare(65536)
figures.row("verify_large", { what = "signature.verify, 64 KB", unit = "ns", ours = ours, theirs = bare,
  share = figures.ratios(bare, ours, 100) })
os.exit(figures.failed and 1 or 0)
