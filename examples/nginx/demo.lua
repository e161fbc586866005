--- Runs nginx.conf and app.lua on loopback, with a local api.video that sends an event of each type.
--- It replaces three things in nginx.conf: the port, by a free one; the directories of temporary files; and the dynamic
--- modules, by those that `start` finds (see there how to run another nginx).

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local server = require "apivideo.server"

local HERE = arg[0]:match("^(.*/)") or "./"
local API_KEY = "demo-key"
local MAIN = "daemon off; pid nginx.pid; env LUA_PATH; env LUA_CPATH;"
local FILES = [[http {
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  access_log off;]]

local function read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function free_port()
  local listening = assert(server.listen { handler = print })
  listening:stop()
  return listening.port
end

local function new_directory()
  local path = os.tmpname()
  os.remove(path)
  os.execute("mkdir -m 755 " .. path)
  return path
end

-- nginx.conf with the replacements.
local function configuration(port)
  local text = read(HERE .. "nginx.conf")
  text = text:gsub("include /etc/nginx/modules[^\n]*", MAIN)
  return (text:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. port):gsub("http {", FILES))
end

-- The end of the pipe ends nginx, so that it never outlives this process.
local command = [[exec 3<&0; export LUA_PATH="%s?.lua;${LUA_PATH:-;}"
export APIVIDEO_API_KEY=%s APIVIDEO_BASE_URL=%s
bash %sstart -p %s -c nginx.conf < /dev/null > %s/log 2>&1 & pid=$!
{ cat <&3 > /dev/null; kill $pid; } & wait $pid; kill $! 2> /dev/null]]

local function start(api_url)
  local directory, port = new_directory(), free_port()
  write(directory .. "/nginx.conf", configuration(port))
  local nginx = { directory = directory, url = "http://127.0.0.1:" .. port }
  nginx.client = apivideo.client { api_key = API_KEY, base_url = nginx.url, retries = 0 }
  nginx.pipe = io.popen(command:format(HERE, API_KEY, api_url, HERE, directory, directory), "w")
  for _ = 1, 500 do
    if nginx.client:request("GET", "/health") then return nginx end
    apivideo.sleep(0.02)
  end
  error("nginx did not start:\n" .. read(directory .. "/log"), 0)
end

local function stop(nginx)
  nginx.pipe:close()
  os.execute("rm -rf " .. nginx.directory)
end

-- Prints the lines that Lua has added to nginx's log since the last call.
local function print_log(nginx)
  local text = read(nginx.directory .. "/log")
  for line in text:sub((nginx.printed or 0) + 1):gmatch("[^\n]+") do
    local message = line:match("#%d+: %*%d+ (.-), client:")
    message = message and message:gsub("^%[lua%] [^ ]+ ", ""):gsub("^[^ ]*%(%): ", "")
    if message then print("  " .. message) end
  end
  nginx.printed = #text
end

-- The text that a location responds with. A client of the API expects JSON, so the call returns an error, which has the
-- response.
local function get(nginx, path)
  local _, err = nginx.client:request("GET", path)
  return err.response.body
end

-- Sends a delivery that is signed with the secret of another account.
local function send_forged(url)
  local other = assert(emulator.start { api_key = "other-key", max_attempts = 1 })
  local client = apivideo.client { api_key = "other-key", base_url = other.url }
  assert(client.webhooks:create { url = url, events = apivideo.events:names() })
  other:emit(apivideo.events:sample "video.source.recorded")
  other:settle(10)
  other:stop()
end

local function main()
  local api = assert(emulator.start { api_key = API_KEY })
  print("A local api.video listens on " .. api.url .. ".")
  local nginx = start(api.url)
  print("nginx listens on " .. nginx.url .. ".")

  local client = apivideo.client { api_key = API_KEY, base_url = api.url }
  local webhook = assert(client.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
  print(("\nCreated %s at %s.\n"):format(webhook.webhookId, webhook.url))
  print "The local api.video sends one event of each type; then comes a forged delivery:"
  api:put_video { videoId = apivideo.events:sample("video.source.recorded").videoId, title = "Evening news" }
  for _, name in ipairs(apivideo.events:names()) do
    api:emit(apivideo.events:sample(name))
    api:settle(10)
  end
  send_forged(webhook.url)
  print_log(nginx)

  print("\nThe location /subscriptions gets the webhooks from api.video:\n  " .. get(nginx, "/subscriptions"))
  print("The location /metrics:")
  for line in get(nginx, "/metrics"):gmatch("[^\n]+") do
    if line:find("^apivideo_deliveries") and not line:find(" 0$") then print("  " .. line) end
  end

  stop(nginx)
  api:stop()
end

apivideo.run(main)
