--- Signs and verifies bytes, at once and incrementally.

local signature = require("apivideo.core").signature

local raw = ("payload "):rep(500)
local right = signature.sign(raw, "first")

return function()
  if signature.sign(raw, "first") ~= right then return nil, "wrong signature" end
  if not signature.verify(raw, right, { "second", "first" }) then return nil, "not verified" end
  if signature.verify(raw, right, "second") then return nil, "verified with another secret" end
  local hmac = signature.hmac("first")
  hmac:update(raw:sub(1, 9)):update(raw:sub(10))
  if not hmac:verify(right) then return nil, "not verified incrementally" end
  signature.hmac("first") -- left to the collector
  return true
end
