--- Opens the C modules for the first and the second time.

local names = { "apivideo.core", "apivideo.core.http", "apivideo.thread.core", "apivideo.server.core",
  "apivideo.redis.core", "apivideo.cli.core" }

return function()
  for _, name in ipairs(names) do
    package.loaded[name] = nil
    require(name)
  end
  local core = require "apivideo.core"
  core.http.new():close()
  if not core.file_mode "/" or core.file_mode "/none" then return nil, "file_mode" end
  return core.signature.hmac("secret"):update("x"):sign() == core.signature.sign("x", "secret")
end
