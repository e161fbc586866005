local process = require "spec.support.process"
local signature = require("apivideo.core").signature

local SECRET = "sig_sec_0000000000000000000000"
local BODY = '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z",'
  .. '"videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000",'
  .. '"encoding":"hls","quality":"720p"}'
local HEX = "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"

local rfc4231 = {} -- the vectors with complete digests
for _, case in ipairs(require "spec.support.rfc4231") do
  if #case[3] == 64 then rfc4231[#rfc4231 + 1] = case end
end

local function assert_verdict(holds, reason, ...)
  local got = { n = select("#", ...), ... }
  assert.equal(holds, got[1])
  assert.equal(reason, got[2])
  assert.equal(holds and 1 or 2, got.n)
end

describe("signature.sign", function()
  it("returns api.video's published signature", function()
    assert.equal(HEX, signature.sign(BODY, SECRET))
  end)

  it("returns RFC 4231's digests", function()
    for _, case in ipairs(rfc4231) do assert.equal(case[3], signature.sign(case[2], case[1])) end
  end)

  it("signs an empty body, and NUL bytes", function()
    assert.equal("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", signature.hmac("\0"):sign())
    assert.equal(signature.hmac("k"):sign(), signature.sign("", "k"))
    assert.not_equal(signature.sign("a\0b", "k"), signature.sign("a\0c", "k"))
    assert.not_equal(signature.sign("a", "k\0a"), signature.sign("a", "k\0b"))
  end)

  it("raises an error for an invalid raw body or secret", function()
    for _, raw in ipairs { {}, 12, true } do
      assert.error_matches(function() signature.sign(raw, SECRET) end, "#1.*raw bytes.*got " .. type(raw))
    end
    assert.error_matches(function() signature.sign(nil, SECRET) end, "not a decoded table")
    assert.error_matches(function() signature.sign(BODY, "") end, "#2.*the secret is an empty string")
    for _, secret in ipairs { {}, 12, true, { SECRET } } do
      assert.error_matches(function() signature.sign(BODY, secret) end, "#2.*secret %(non%-empty string%)")
    end
    assert.error_matches(function() signature.sign(BODY) end, "#2.*secret")
  end)
end)

describe("signature.verify", function()
  it("accepts the published signature", function()
    assert_verdict(true, nil, signature.verify(BODY, HEX, SECRET))
  end)

  it("accepts upper-case digits, since the signature is the bytes", function()
    assert_verdict(true, nil, signature.verify(BODY, HEX:upper(), SECRET))
    assert_verdict(true, nil, signature.verify(BODY, HEX:sub(1, 20):upper() .. HEX:sub(21), SECRET))
  end)

  it("accepts RFC 4231's digests", function()
    for _, case in ipairs(rfc4231) do
      assert_verdict(true, nil, signature.verify(case[2], case[3], case[1]))
      assert_verdict(false, "mismatch", signature.verify(case[2] .. "\0", case[3], case[1]))
      assert_verdict(false, "mismatch", signature.verify(case[2], case[3], "\0" .. case[1]))
    end
  end)

  it("rejects any changed digit", function()
    for at = 1, 64 do
      for digit in ("0123456789abcdef"):gmatch "." do
        local hex = HEX:sub(1, at - 1) .. digit .. HEX:sub(at + 1)
        if hex ~= HEX then
          assert_verdict(false, "mismatch", signature.verify(BODY, hex, SECRET))
          assert_verdict(false, "mismatch", signature.verify(BODY, hex, { "a", SECRET }))
        end
      end
    end
  end)

  it("rejects any other body or secret", function()
    for at = 1, #BODY do
      local body = BODY:sub(1, at - 1) .. "\1" .. BODY:sub(at + 1)
      assert_verdict(false, "mismatch", signature.verify(body, HEX, SECRET))
    end
    assert_verdict(false, "mismatch", signature.verify(BODY .. "\n", HEX, SECRET))
    assert_verdict(false, "mismatch", signature.verify(BODY, HEX, SECRET .. "0"))
    assert_verdict(false, "mismatch", signature.verify(BODY, HEX, "0000000000000000000000"))
  end)

  it("reports a missing or malformed signature, without an error", function()
    assert_verdict(false, "missing", signature.verify(BODY, nil, SECRET))
    for _, hex in ipairs {
      "", "0", HEX:sub(1, 63), HEX .. "0", HEX .. "\n", " " .. HEX:sub(2), "0x" .. HEX:sub(3), HEX:sub(1, 63) .. "g",
      HEX:sub(1, 63) .. "\0", "\0" .. HEX:sub(2), "sha256=" .. HEX, HEX .. HEX, ("/"):rep(64), (":"):rep(64),
      ("@"):rep(64), ("G"):rep(64), ("`"):rep(64), ("\255"):rep(64), { HEX, HEX }, { HEX }, 12, true,
    } do
      assert_verdict(false, "malformed", signature.verify(BODY, hex, SECRET))
    end
  end)

  it("reads each of the 64 digits", function()
    for position = 1, 64 do
      for byte = 0, 255 do
        local char = string.char(byte)
        local hex = HEX:sub(1, position - 1) .. char .. HEX:sub(position + 1)
        local is_valid, reason = signature.verify(BODY, hex, SECRET)
        -- Not assert.equal, which is too slow under valgrind.
        assert(is_valid == (char:lower() == HEX:sub(position, position)), byte)
        assert(is_valid or reason == (char:find "^[0-9A-Fa-f]$" and "mismatch" or "malformed"), byte)
      end
    end
  end)

  it("uses the given secret, not the previous one", function()
    for _, order in ipairs { "aabba", "abab", "baab" } do
      for key in order:gmatch "." do
        assert.equal(signature.hmac(key):update(BODY):sign(), signature.sign(BODY, key))
        assert_verdict(false, "mismatch", signature.verify(BODY, HEX, key))
        assert_verdict(true, nil, signature.verify(BODY, HEX, { key, SECRET }))
      end
    end
  end)

  it("uses the given secret, even at the previous one's address in memory", function()
    for i = 1, 300 do
      local function key(letter) return letter:rep(1000 + i) end
      local expected = signature.hmac(key "b"):update(BODY):sign()
      collectgarbage()
      signature.sign(BODY, key "a")
      collectgarbage()
      assert.equal(expected, signature.sign(BODY, key "b"))
    end
  end)

  -- Lua 5.1 has no finalizers of tables, and unloads C modules before it calls the last finalizers of userdata.
  if not newproxy then
    it("works until the state is closed, in finalizers that run after its own", function()
      local printed = process.run { "-e", [[
        local signature
        last = setmetatable({}, { __gc = function() -- a global, so that it lives until the state is closed
          print(signature.verify("body", signature.sign("body", "key"), "key"))
        end })
        signature = require("apivideo.core").signature
        signature.sign("body", "key")]] }
      assert.equal("true\n", printed)
    end)
  end

  it("accepts a signature with any of several secrets", function()
    assert_verdict(true, nil, signature.verify(BODY, HEX, { SECRET }))
    assert_verdict(true, nil, signature.verify(BODY, HEX, { SECRET, "b" }))
    assert_verdict(true, nil, signature.verify(BODY, HEX, { "a", SECRET }))
    assert_verdict(true, nil, signature.verify(BODY, HEX, { "a", "b", SECRET, "d", "e" }))
    assert_verdict(true, nil, signature.verify(BODY, HEX, { SECRET, SECRET }))
    assert_verdict(false, "mismatch", signature.verify(BODY, HEX, { "a", "b" }))
    assert_verdict(false, "missing", signature.verify(BODY, nil, { "a", "b" }))
    assert_verdict(false, "malformed", signature.verify(BODY, "x", { SECRET }))
  end)

  it("raises an error for misuse, with any signature", function()
    for _, hex in ipairs { HEX, "x" } do
      for _, raw in ipairs { {}, 12, false } do
        assert.error_matches(function() signature.verify(raw, hex, SECRET) end, "#1.*raw bytes.*got")
      end
      for _, secret in ipairs { 12, true, "" } do
        assert.error_matches(function() signature.verify(BODY, hex, secret) end, "#3.*secret")
      end
      assert.error_matches(function() signature.verify(BODY, hex) end, "#3.*secret.*got no value")
      assert.error_matches(function() signature.verify(BODY, hex, {}) end, "#3.*empty")
      for _, list in ipairs { { "" }, { SECRET, "" }, { SECRET, 1 }, { 1, SECRET }, { { SECRET } }, { false } } do
        assert.error_matches(function() signature.verify(BODY, hex, list) end, "#3.*non%-empty strings")
      end
      assert.error_matches(function() signature.verify(BODY, hex, { a = SECRET }) end, "#3.*empty")
    end
  end)

  it("never has a secret in its message", function()
    local _, message = pcall(signature.verify, BODY, HEX, { SECRET, 1 })
    assert.is_nil(message:find(SECRET, 1, true))
  end)
end)

describe("signature.hmac", function()
  it("signs a body in parts like sign does at once, for any split", function()
    for cut = 0, #BODY do
      local hmac = signature.hmac(SECRET)
      assert.equal(hmac, hmac:update(BODY:sub(1, cut)))
      assert.equal(HEX, hmac:update(BODY:sub(cut + 1)):sign())
    end
    local hmac = signature.hmac(SECRET)
    for byte in BODY:gmatch "." do hmac:update(byte):update "" end
    assert_verdict(true, nil, hmac:verify(HEX))
  end)

  it("verifies like verify", function()
    local function hmac() return signature.hmac(SECRET):update(BODY) end
    assert_verdict(true, nil, hmac():verify(HEX:upper()))
    assert_verdict(false, "mismatch", hmac():verify(("0"):rep(64)))
    assert_verdict(false, "missing", hmac():verify())
    assert_verdict(false, "malformed", hmac():verify(HEX .. "0"))
    assert_verdict(false, "malformed", hmac():verify { HEX })
  end)

  it("is independent of other HMACs, and of sign and verify in between", function()
    local a, b = signature.hmac(SECRET):update(BODY:sub(1, 50)), signature.hmac("b")
    b:update "x"
    assert.equal(HEX, signature.sign(BODY, SECRET))
    assert.is_true(signature.verify(BODY, HEX, { "c", SECRET }))
    assert.equal(HEX, a:update(BODY:sub(51)):sign())
    assert.equal(signature.sign("x", "b"), b:sign())
  end)

  it("is finished after sign or verify", function()
    for _, finish in ipairs { "sign", "verify" } do
      local hmac = signature.hmac(SECRET):update(BODY)
      hmac[finish](hmac, HEX)
      for _, method in ipairs { "update", "sign", "verify" } do
        assert.error_matches(function() hmac[method](hmac, "x") end, "finished")
      end
    end
  end)

  it("raises an error for misuse, and can be used afterwards", function()
    for _, secret in ipairs { {}, 12, "", true, { SECRET } } do
      assert.error_matches(function() signature.hmac(secret) end, "#1.*secret")
    end
    local hmac = signature.hmac(SECRET):update(BODY)
    for _, bytes in ipairs { {}, 12, true } do
      assert.error_matches(function() hmac:update(bytes) end, "raw bytes")
    end
    assert.error_matches(function() hmac.update({}, "x") end, "hmac")
    assert.error_matches(function() hmac.sign(io.stdout) end, "hmac")
    assert.equal(HEX, hmac:sign())
  end)

  it("has a locked metatable", function()
    assert.equal("apivideo.hmac", getmetatable(signature.hmac(SECRET)))
  end)

  it("does not leak memory, finished or not", function()
    for i = 1, 2000 do
      local hmac = signature.hmac(SECRET):update(BODY)
      if i % 2 == 0 then hmac:sign() end
    end
    collectgarbage()
    collectgarbage()
    assert.equal(HEX, signature.sign(BODY, SECRET))
  end)
end)
