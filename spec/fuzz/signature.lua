-- The input: the header, two secrets and the raw bytes, separated by bytes 30. Each result must be that of libcrypto's
-- own HMAC.

local reference = require "reference"
local signature = require("apivideo.core").signature

local SECRET = "sig_sec_0000000000000000000000"

local function split(input)
  local header, first, second, raw = input:match "^([^\30]*)\30([^\30]*)\30([^\30]*)\30(.*)$"
  if header then return header, first, second, raw end
  return input, SECRET, "", input
end

-- The expected result.
local function expected_result(raw, header, secrets)
  if not header:find("^" .. ("%x"):rep(64) .. "$") then return false, "malformed" end
  for _, secret in ipairs(secrets) do
    if reference(raw, secret) == header:lower() then return true end
  end
  return false, "mismatch"
end

local function check_result(raw, header, secrets)
  local valid, reason = signature.verify(raw, header, secrets)
  local expected, why = expected_result(raw, header, secrets)
  assert(valid == expected and reason == why, tostring(reason))
end

-- Our signature is valid, in either case and in parts; with one digit changed, it is invalid.
local function check_sign(raw, secret)
  local hex = signature.sign(raw, secret)
  assert(hex == reference(raw, secret))
  assert(signature.verify(raw, hex, secret) == true)
  assert(signature.verify(raw, hex:upper(), { "other", secret }) == true)
  local at, cut = #raw % 64 + 1, #raw // 2
  local digit = ("%x"):format((tonumber(hex:sub(at, at), 16) + 1 + #raw % 15) % 16)
  local forged = hex:sub(1, at - 1) .. digit .. hex:sub(at + 1)
  assert(signature.verify(raw, forged, { secret }) == false)
  assert(signature.verify(raw .. "\0", hex, { secret }) == false)
  local parts = signature.hmac(secret):update(raw:sub(1, cut)):update ""
  assert(parts:update(raw:sub(cut + 1)):verify(hex) == true)
end

return function(input)
  local header, first, second, raw = split(input)
  local secrets = {}
  for _, secret in ipairs { first, second } do
    if secret ~= "" then secrets[#secrets + 1] = secret end
  end
  if not secrets[1] then
    assert(not pcall(signature.verify, raw, header, secrets)) -- no signature could be valid
    return
  end
  check_result(raw, header, secrets)
  check_result(raw, header, { secrets[1] })
  check_sign(raw, secrets[#secrets])
end
