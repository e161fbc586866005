--- Runs nginx.conf and app.lua on loopback, with a local api.video that sends them each kind of event.
--- (What it changes of nginx.conf: the port, so that it finds a free one, where nginx keeps files, and which modules it
--- loads: those of `start`, which also tells how to run another nginx.)

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local http = require "apivideo.transport.http"
local sender = require "apivideo.emulator.sender"
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

-- The example's nginx.conf with our changes.
local function configuration(port)
  local text = read(HERE .. "nginx.conf")
  text = text:gsub("include /etc/nginx/modules[^\n]*", MAIN)
  return (text:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. port):gsub("http {", FILES))
end

-- nginx ends when its pipe closes: with this process, however that ends.
local command = [[exec 3<&0; export LUA_PATH="%s?.lua;${LUA_PATH:-;}"
export APIVIDEO_API_KEY=%s APIVIDEO_BASE_URL=%s
bash %sstart -p %s -c nginx.conf < /dev/null > %s/log 2>&1 & pid=$!
{ cat <&3 > /dev/null; kill $pid; } & wait $pid; kill $! 2> /dev/null]]

local function start(api_url)
  local directory, port = new_directory(), free_port()
  write(directory .. "/nginx.conf", configuration(port))
  local nginx = { directory = directory, url = "http://127.0.0.1:" .. port }
  nginx.pipe = io.popen(command:format(HERE, API_KEY, api_url, HERE, directory, directory), "w")
  for _ = 1, 500 do
    if http.request { method = "GET", url = nginx.url .. "/metrics" } then return nginx end
    apivideo.sleep(0.02)
  end
  error("nginx did not start:\n" .. read(directory .. "/log"), 0)
end

local function stop(nginx)
  nginx.pipe:close()
  os.execute("rm -rf " .. nginx.directory)
end

-- What nginx's Lua has written into the log since.
local function print_log(nginx)
  local text = read(nginx.directory .. "/log")
  for line in text:sub((nginx.read or 0) + 1):gmatch("[^\n]+") do
    local words = line:match("%[lua%] [^ ]+ (.-), client:")
    if words then print("  " .. words:gsub("^[^ ]*%(%): ", "")) end
  end
  nginx.read = #text
end

local function get(nginx, path)
  return assert(http.request { method = "GET", url = nginx.url .. path }).body
end

local function main()
  local api = assert(emulator.start { api_key = API_KEY })
  print("A local api.video listens on " .. api.url .. ".")
  local nginx = start(api.url)
  print("nginx listens on " .. nginx.url .. ".")

  local client = apivideo.client { api_key = API_KEY, base_url = api.url }
  local webhook = assert(client.webhooks:create { url = nginx.url .. "/webhooks", events = apivideo.events:names() })
  print(("\nCreated %s at %s.\n\nThe local api.video delivers one event of each type, and somebody forges one:")
    :format(webhook.webhookId, webhook.url))
  api:put_video { videoId = apivideo.events:sample("video.source.recorded").videoId, title = "Evening news" }
  for _, name in ipairs(apivideo.events:names()) do
    api:emit(apivideo.events:sample(name))
    api:settle(10)
  end
  sender.send(sender.new { url = webhook.url, webhookId = webhook.webhookId, raw = '{"type":"video.forged"}' },
    "sig_sec_a_guess", { attempts = 1, interval = 0, timeout = 10 })
  print_log(nginx)

  print("\nIts location /subscriptions asks api.video:\n  " .. get(nginx, "/subscriptions"))
  print("Its location /metrics:")
  for line in get(nginx, "/metrics"):gmatch("[^\n]+") do
    if line:find("^apivideo_deliveries") and not line:find(" 0$") then print("  " .. line) end
  end

  stop(nginx)
  api:stop()
end

apivideo.run(main)
