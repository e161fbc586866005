--- Sends requests with a new pool.

local http = require("apivideo.core").http

local url = os.getenv "OOM_PEER"

local function send(pool, method, body)
  local transfer, kind, message = pool:start {
    method = method, url = url .. "/echo", body = body,
    headers = { "Accept: application/json", "X-Long: " .. ("x"):rep(100) },
    timeout = 2, connect_timeout = 2, max_body = 1e6, max_header = 65536,
  }
  if not transfer then return nil, kind .. ": " .. message end
  while not (pool:step(1)) do end
  local response
  response, kind, message = transfer:result()
  if not response then return nil, kind .. ": " .. message end
  return response.status == 200
end

return function()
  local pool = assert(http.new())
  for _ = 1, 2 do
    local ok, err = send(pool, "GET")
    if not ok then return nil, err end
  end
  local ok, err = send(pool, "POST", ("body "):rep(1000))
  if not ok then return nil, err end
  pool:start { method = "GET", url = url .. "/echo", timeout = 2, connect_timeout = 2, max_body = 9, max_header = 9 }
  pool:close()
  return true
end
