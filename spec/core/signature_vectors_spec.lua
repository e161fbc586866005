-- Test vectors, and every way to corrupt a signature: verified by the core at once, in parts, and by a receiver.

local apivideo = require "apivideo"
local cjson = require "cjson"
local rfc4231 = require "spec.support.rfc4231"
local signature = require("apivideo.core").signature

local SECRET = "sig_sec_0000000000000000000000"
local BODY = '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000",'
  .. '"encoding":"hls","quality":"720p"}'
local HEX = "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"

local STEP = os.getenv "APIVIDEO_SLOW" and 17 or 1 -- of the corruptions that are tried

local vectors = { { SECRET, BODY, HEX } }
for _, case in ipairs(rfc4231) do
  if #case[3] == 64 and not os.getenv "APIVIDEO_SLOW" then vectors[#vectors + 1] = case end
end

local handlers = apivideo.handlers():otherwise(function() end)

-- The three ways to verify: each returns whether a signature is valid.
local ways = {
  ["at once"] = function(raw, hex, secret) return (signature.verify(raw, hex, secret)) end,
  ["in pieces"] = function(raw, hex, secret)
    local cut = math.floor(#raw / 3)
    return (signature.hmac(secret):update(raw:sub(1, cut)):update(raw:sub(cut + 1)):verify(hex))
  end,
  ["by a receiver"] = function(raw, hex, secret)
    -- As an option, a secret that ends in whitespace is rejected.
    local secrets = type(secret) == "string" and secret:find "%s" and function() return secret end or secret
    local receiver = apivideo.receiver { handlers = handlers, secrets = secrets }
    local status, headers, body = receiver:receive {
      method = "POST", headers = { ["X-Api-Video-Signature"] = hex }, body = raw,
    }
    assert.same({}, headers)
    assert.equal("", body)
    if status == 401 then return false end
    assert.equal(raw == BODY and 204 or 400, status) -- RFC 4231's texts are not events
    return true
  end,
}

-- The signature with its byte `index`, from 1 to 32, replaced by the result of a function.
local function with_byte(hex, place, change)
  local byte = tonumber(hex:sub(2 * place - 1, 2 * place), 16)
  return hex:sub(1, 2 * place - 2) .. ("%02x"):format(change(byte)) .. hex:sub(2 * place + 1)
end

local function flip(byte, bit)
  local value = 2 ^ bit
  return math.floor(byte / value) % 2 == 1 and byte - value or byte + value
end

local function bytes_of(hex)
  return (hex:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end))
end

local function list_of_spoilt(hex)
  local list = {}
  local function add(other) list[#list + 1] = other end
  for place = 1, 32 do
    for bit = 0, 7 do add(with_byte(hex, place, function(byte) return flip(byte, bit) end)) end
    for _, value in ipairs { 0, 255 } do
      local other = with_byte(hex, place, function() return value end)
      if other ~= hex then add(other) end
    end
  end
  for length = 0, 63 do add(hex:sub(1, length)) end
  for _, other in ipairs {
    ("0"):rep(64), ("f"):rep(64), hex:reverse(), hex:sub(33) .. hex:sub(1, 32),
    hex .. "0", hex .. "00", hex .. hex, hex .. "," .. hex, hex:sub(2), "0" .. hex, bytes_of(hex), bytes_of(hex):rep(2),
    "sha256=" .. hex, "v1=" .. hex, "t=0,v1=" .. hex, "0x" .. hex, "0x" .. hex:sub(3), "\\x" .. hex, "%" .. hex,
    " " .. hex, hex .. " ", "\t" .. hex, hex .. "\n", hex .. "\r\n", hex:sub(1, 32) .. " " .. hex:sub(33),
    " " .. hex:sub(2), hex:sub(1, 63) .. " ", hex:sub(1, 63) .. "\n", "+" .. hex:sub(2), "-" .. hex:sub(2),
    "\0" .. hex, hex .. "\0", hex:sub(1, 32) .. "\0" .. hex:sub(33), hex:sub(1, 32) .. "\0" .. hex:sub(34),
    hex:sub(1, 63) .. "\0", '"' .. hex .. '"', "null", "true", "[]",
  } do add(other) end
  for _, digit in ipairs { "g", "G", "o", "l", "/", ":", "@", "`", "\127", "\128", "\255",
    "\239\188\145", "\217\161", "\206\177", "\208\176" } do -- 1, 1, alpha and a of other scripts
    add(digit .. hex:sub(2))
    add(digit .. hex:sub(1 + #digit))
    add(hex:sub(1, 64 - #digit) .. digit)
  end
  return list
end

local function without(text, at) return text:sub(1, at - 1) .. text:sub(at + 1) end

for name, holds in pairs(ways) do
  describe("a known signature, verified " .. name .. ",", function()
    it("is valid, in either case", function()
      for _, case in ipairs(vectors) do
        assert.is_true(holds(case[2], case[3], case[1]))
        assert.is_true(holds(case[2], case[3]:upper(), case[1]))
      end
    end)

    it("is invalid once it is corrupted in any way", function()
      for _, case in ipairs(vectors) do
        local list = list_of_spoilt(case[3])
        for i = 1, #list, STEP do
          if holds(case[2], list[i], case[1]) then error(("%q holds"):format(list[i])) end
        end
      end
    end)

    it("is invalid for a part of its message, and for a longer one", function()
      for _, case in ipairs(vectors) do
        local secret, raw, hex = case[1], case[2], case[3]
        for at = 1, #raw, STEP do
          for _, other in ipairs { raw:sub(1, at - 1), raw:sub(at + 1), without(raw, at) } do
            if other ~= raw and holds(other, hex, secret) then error(("%q holds"):format(other)) end
          end
        end
        for _, other in ipairs { raw .. "\0", raw .. " ", raw .. "\n", "\239\187\191" .. raw, raw .. raw, "" } do
          assert.is_false(holds(other, hex, secret))
        end
      end
    end)

    it("is invalid for an equivalent message", function()
      for _, change in ipairs {
        { '":"', '": "' }, { ",", ", " }, { "}", "\n}" }, { "720p", "\\u0037\\u0032\\u0030p" },
        { '("type":[^,]*),("emittedAt":[^,]*)', "%2,%1" }, { '"quality":"720p"', '%0,"more":null' },
      } do
        local other = BODY:gsub(change[1], change[2])
        assert.not_equal(BODY, other)
        assert.same(apivideo.parse(BODY), apivideo.parse(other))
        assert.is_false(holds(other, HEX, SECRET))
      end
      -- As a framework passes it on that parses it first.
      local encoded = cjson.encode(cjson.decode(BODY))
      assert.equal(encoded == BODY, holds(encoded, HEX, SECRET))
    end)

    it("is invalid with another secret", function()
      for _, case in ipairs(vectors) do
        local secret, raw, hex = case[1], case[2], case[3]
        local others = { secret .. "x", "x" .. secret, secret:sub(2), secret:sub(1, -2), secret:reverse() .. "x",
          secret .. secret, hex, bytes_of(hex), " " .. secret, secret .. "\n" }
        for _, other in ipairs(others) do
          if other ~= "" then assert.is_false(holds(raw, hex, other)) end
        end
      end
    end)

    it("is not another digest, and cannot be extended", function()
      for what, other in pairs {
        ["SHA-256 of secret and message"] = "f86c3bf910123b3915952e41249460d4b53fbc36627adef3a45730e7900ed4c3",
        ["SHA-256 of message and secret"] = "dd9068c815be115e0d0ab54f5583168c8d5357526a0044edb8851afb00b51489",
        ["SHA-256 of the message"] = "65a61bd453dcc0a71f2bfeba178765062dedc2cdcc4e809d15dd3a25dc4b140a",
        ["HMAC-SHA-512, cut"] = "d7ffd687df7284cc4bec4fb067af27166d5cb302beef3de88e2f34df1a6583e3",
        ["HMAC-SHA3-256"] = "e12cec57b865fce79be0b2238f3d0dd1b6a6226aeb858438efd42055babaa30d",
        ["secret and message swapped"] = "d31fff54d5d4da7dbc4d3315d22c1d787ca8bc1589f0b02f2ca1e5df8edf32c7",
        ["base64"] = "J6d9On/GJoVIhrXb+uTjLIsBcMHqG3FMkbp38ed3Tow=",
      } do
        assert.is_false(holds(BODY, other, SECRET), what)
      end
      -- SHA-256 with the signature as its state, after the padding of the message (a length extension attack).
      local suffix = '{"x":1}'
      for _, case in ipairs {
        { #SECRET + #BODY, "a165556d7b5ab3a164586a45d8032006f2fbc1bc9ba280a7f8cb5de2eba5e7f4" },
        { 64 + #BODY, "cdb51ae2ca6ea9a54da4c53081913cb359449ecf74d337e15d19724ccfc3ce35" },
        { 64 + 32, "f52e3110260ee2dac70b736af5793b384448c60f164f7192a5b300d116d0bfac" },
      } do
        local bits = case[1] * 8
        local padding = "\128" .. ("\0"):rep((55 - case[1]) % 64 + 6) .. string.char(math.floor(bits / 256), bits % 256)
        assert.equal(0, (case[1] + #padding) % 64)
        assert.is_false(holds(BODY .. padding .. suffix, case[2], SECRET))
        assert.is_false(holds(BODY .. padding .. suffix, HEX, SECRET))
      end
    end)
  end)
end

describe("known signatures", function()
  it("are valid or invalid for any split of their message", function()
    for _, case in ipairs(vectors) do
      local secret, raw, hex = case[1], case[2], case[3]
      local wrong = with_byte(hex, 32, function(byte) return flip(byte, 0) end)
      for cut = 0, #raw do
        local function hmac() return signature.hmac(secret):update(raw:sub(1, cut)):update(raw:sub(cut + 1)) end
        assert.is_true(hmac():verify(hex))
        assert.is_false((hmac():verify(wrong)))
      end
    end
  end)

  it("truncated to a half are invalid", function()
    for _, case in ipairs(rfc4231) do
      local half = case[3]:sub(1, 32)
      assert.equal(half, signature.sign(case[2], case[1]):sub(1, 32))
      for _, holds in pairs(ways) do assert.is_false(holds(case[2], half, case[1])) end
    end
  end)

  it("are valid with keys of any length", function()
    local long = SECRET:rep(400)
    for _, length in ipairs { 1, 31, 32, 63, 64, 65, 127, 128, 129, 4096, #long } do
      local secret = long:sub(1, length)
      local hex = signature.sign(BODY, secret)
      for _, holds in pairs(ways) do
        assert.is_true(holds(BODY, hex, secret))
        assert.is_false(holds(BODY, hex, secret .. "x"))
      end
    end
    -- From Python's hmac.
    assert.equal("90d698efa9a0cbea00d9859c385e9db2918398065cacdde4a19a3191314d5393", signature.sign(BODY, long))
  end)

  it("need a non-empty secret", function()
    for _, holds in pairs(ways) do
      assert.error_matches(function() holds(BODY, HEX, "") end, "secret")
      -- The signature with an empty secret is always invalid.
      assert.is_false(holds("", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", SECRET))
    end
  end)
end)
