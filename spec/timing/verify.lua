-- Verifies signatures that differ in what must not show in the time it takes: tools/check-constant-time
-- counts the instructions of each call of a function of the core, which is named as the argument:
-- "verify", or "verify_hmac" (hmac:verify). Prints a line for each call, in order: the group within
-- which all counts must be equal, and the case.

local signature = require("apivideo.core").signature

local SECRET = "sig_sec_0000000000000000000000"
local BODY = '{"type":"video.encoding.quality.completed","videoId":"vi0000000000000000000000"}'
local HEX = signature.sign(BODY, SECRET)

-- Another digit, but one of the same kind: how digits are read depends on whether they are letters,
-- and the sender knows what he sent.
local other = {}
for digit, another in ("0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-0 a-b b-c c-d d-e e-f f-a"):gmatch "(.)-(.)" do
  other[digit] = another
end

-- The signature with another byte at some places, from 1 to 32.
local function changed(...)
  local hex = HEX
  for _, place in ipairs { ... } do
    hex = hex:sub(1, 2 * place - 2) .. hex:sub(2 * place - 1, 2 * place):gsub(".", other) .. hex:sub(2 * place + 1)
  end
  return hex
end

local wrong = {
  { "the first byte differs", changed(1) },
  { "the second byte differs", changed(2) },
  { "a byte in the middle differs", changed(16) },
  { "the last byte differs", changed(32) },
  { "the first and the last byte differ", changed(1, 32) },
  { "every byte differs", (HEX:gsub(".", other)) },
}

-- Three secrets, the right one at a place, or at none.
local function secrets(place)
  local list = { "sig_sec_1111111111111111111111", "sig_sec_2222222222222222222222", "sig_sec_3333333333333333333333" }
  if place then list[place] = SECRET end
  return list
end

local function verify(hex, secret)
  signature.sign("", "another secret") -- so that the key of the call before is never at hand
  return signature.verify(BODY, hex, secret)
end

local function verify_hmac(hex)
  collectgarbage() -- so that what the call before allocated is at hand, whatever else is on the heap
  return signature.hmac(SECRET):update(BODY:sub(1, 20)):update(BODY:sub(21)):verify(hex)
end

local cases = {}

local function add(group, name, fn, hex, secret)
  cases[#cases + 1] = { group = group, name = name, fn = fn, hex = hex, secret = secret }
end

local function add_wrong(group, fn, secret)
  for _, case in ipairs(wrong) do
    add(group .. ":refused", case[1], fn, case[2], secret)
    add(group .. ":refused-in-upper-case", case[1], fn, case[2]:upper(), secret)
  end
end

if arg[1] == "verify" then
  add_wrong("secret", verify, SECRET)
  add_wrong("secrets", verify, secrets(2))
  add("secrets:refused", "no secret holds", verify, HEX, secrets())
  for place, name in ipairs { "the first secret holds", "the second secret holds", "the last secret holds" } do
    add("secrets:held", name, verify, HEX, secrets(place))
  end
else
  add_wrong("pieces", verify_hmac)
end

-- In rounds: the first warms what Lua and libcrypto keep for themselves, and in any of them strcmp and
-- malloc may take more for the address that something happens to have. The least of a case counts.
collectgarbage()
collectgarbage "stop"
for _ = 1, tonumber(arg[2]) do
  for _, case in ipairs(cases) do
    local holds, reason = case.fn(case.hex, case.secret)
    assert(holds == (case.group:find ":held" ~= nil) and (holds or reason == "mismatch"))
  end
end
for _, case in ipairs(cases) do print(case.group .. "\t" .. case.name) end
