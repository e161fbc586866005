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

local function compare(size)
  local body = ("x"):rep(size)
  local count = math.ceil(SECONDS * 1e9 / time_ours(body, 1000))
  local measured = { ours = {}, bare = {}, share = {}, more = {} }
  for round = 1, ROUNDS do
    local ours, bare = time_ours(body, count), time_bare(size, count)
    measured.ours[round], measured.bare[round] = ours, bare
    measured.share[round], measured.more[round] = bare / ours * 100, ours - bare
  end
  return measured
end

-- The time of a call of an empty C function from Lua, in nanoseconds.
local function time_call()
  local body, count = ("x"):rep(200), 1e6
  local started = os.clock()
  for _ = 1, count do rawequal(body, SECRET, SECRET) end
  return (os.clock() - started) / count * 1e9
end

local small = compare(200)
local misses = figures.median(small.more) > 150
figures.row { what = "signature.verify, 200 bytes", beside = "libcrypto, bare", unit = "ns",
  ours = small.ours, theirs = small.bare, share = small.more, of = "ns more", bar = 150, at_most = true,
  note = misses and ("a call of an empty C function from Lua takes %.0f ns; the rest is reading the arguments and 64 "
    .. "digits, and comparing the key with the cached one"):format(time_call()) or nil }
local middle = compare(4096)
figures.row { what = "signature.verify, 4 KB", beside = "libcrypto, bare", unit = "ns",
  ours = middle.ours, theirs = middle.bare, share = middle.share, of = "%" }
local large = compare(65536)
figures.row { what = "signature.verify, 64 KB", beside = "libcrypto, bare", unit = "ns",
  ours = large.ours, theirs = large.bare, share = large.share, of = "%", bar = 95 }
os.exit(figures.failed and 1 or 0)
