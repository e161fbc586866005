--- Starts a thread, sends it requests, and takes their results, with and without a wait for them.

local threads = require "apivideo.thread.core"

local function run(thread)
  for i = 1, 20 do
    local id, problem = thread:send("echo", i, { text = ("x"):rep(i * 100), list = { 1, 2.5, true } })
    if not id then return nil, problem end
  end
  local count = 0
  while count < 20 do
    thread:wait()
    local id, ok, value, copy = thread:take()
    if id then
      if not ok then return nil, value end
      if #copy.text ~= value * 100 then return false end
      count = count + 1
    end
  end
  thread:send("echo", "in flight")
  return true
end

return function()
  local thread, problem = threads.start("spec.support.thread_handler", package.path, package.cpath, 100, 1000000)
  if not thread then return nil, problem end
  local ok, result, err = pcall(run, thread)
  thread:close()
  if not ok then error(result, 0) end
  return result, err
end
