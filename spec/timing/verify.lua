-- Verifies signatures with differences that must not affect the time of a verification. tools/check-constant-time
-- counts the instructions of each call of a function of the core: "verify" or "verify_hmac" (hmac:verify), the
-- argument. Prints a line for each call, in order: the group, within which all counts must be equal, and the case.

local signature = require("apivideo.core").signature

local SECRET = "sig_sec_0000000000000000000000"
local BODY = '{"type":"video.encoding.quality.completed","videoId":"vi0000000000000000000000"}'
local HEX = signature.sign(BODY, SECRET)

-- Replaces a digit by one of the same kind. The decoding of a digit depends on whether it is a letter, which is not
-- secret: the sender knows the digits it sent.
local other = {}
for digit, another in ("0-1 1-2 2-3 3-4 4-5 5-6 6-7 7-8 8-9 9-0 a-b b-c c-d d-e e-f f-a"):gmatch "(.)-(.)" do
  other[digit] = another
end

-- The signature with different bytes at some indexes, from 1 to 32.
local function with_changed_bytes(...)
  local hex = HEX
  for _, index in ipairs { ... } do
    hex = hex:sub(1, 2 * index - 2) .. hex:sub(2 * index - 1, 2 * index):gsub(".", other) .. hex:sub(2 * index + 1)
  end
  return hex
end

local wrong = {
  { "the first byte differs", with_changed_bytes(1) },
  { "the second byte differs", with_changed_bytes(2) },
  { "a byte in the middle differs", with_changed_bytes(16) },
  { "the last byte differs", with_changed_bytes(32) },
  { "the first and the last byte differ", with_changed_bytes(1, 32) },
  { "every byte differs", (HEX:gsub(".", other)) },
}

-- Three secrets: the right one at an index, or three wrong ones.
local function secrets(index)
  local list = { "sig_sec_1111111111111111111111", "sig_sec_2222222222222222222222", "sig_sec_3333333333333333333333" }
  if index then list[index] = SECRET end
  return list
end

local function verify(hex, secret)
  signature.sign("", "another secret") -- replaces the cached key of the previous call
  return signature.verify(BODY, hex, secret)
end

local function verify_hmac(hex)
  collectgarbage() -- frees the allocations of the previous call, so that malloc takes the same path each time
  return signature.hmac(SECRET):update(BODY:sub(1, 20)):update(BODY:sub(21)):verify(hex)
end

local cases = {}

local function add(group, name, fn, hex, secret)
  cases[#cases + 1] = { group = group, name = name, fn = fn, hex = hex, secret = secret }
end

local function add_wrong(group, fn, secret)
  for _, case in ipairs(wrong) do
    add(group .. ":invalid", case[1], fn, case[2], secret)
    add(group .. ":invalid-in-upper-case", case[1], fn, case[2]:upper(), secret)
  end
end

if arg[1] == "verify" then
  add_wrong("secret", verify, SECRET)
  add_wrong("secrets", verify, secrets(2))
  add("secrets:invalid", "no secret matches", verify, HEX, secrets())
  for index, name in ipairs { "the first secret matches", "the second secret matches", "the last secret matches" } do
    add("secrets:valid", name, verify, HEX, secrets(index))
  end
else
  add_wrong("pieces", verify_hmac)
end

-- Several rounds, of which the minimum counts: the first one fills the caches of Lua and libcrypto, and in any round,
-- strcmp and malloc may need more instructions for some addresses.
collectgarbage()
collectgarbage "stop"
for _ = 1, tonumber(arg[2]) do
  for _, case in ipairs(cases) do
    local is_valid, reason = case.fn(case.hex, case.secret)
    assert(is_valid == (case.group:find ":valid" ~= nil) and (is_valid or reason == "mismatch"))
  end
end
for _, case in ipairs(cases) do print(case.group .. "\t" .. case.name) end
