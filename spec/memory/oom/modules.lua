--- The C modules are opened for the first time, and once more.

local names = { "apivideo.core", "apivideo.server.core" }

return function()
  for _, name in ipairs(names) do
    package.loaded[name] = nil
    require(name)
  end
  local core = require "apivideo.core"
  core.http.new():close()
  return core.signature.hmac("secret"):update("x"):sign() == core.signature.sign("x", "secret")
end
