--- Opens the C modules for the first and the second time.

<<<<<<< HEAD
local names = { "apivideo.core", "apivideo.core.http", "apivideo.server.core", "apivideo.redis.core" }
=======
local names = { "apivideo.core", "apivideo.thread.core", "apivideo.server.core", "apivideo.redis.core" }
>>>>>>> 5937ca3 (inbox: document and check the thread of the SQLite store)

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
