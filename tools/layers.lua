--- Checks that require() points only downward between the rooms of lua/apivideo: layers.lua
--- Prints each that does not, and fails.

-- From top to bottom. A room may know itself and the lines below its own; rooms of one line do not know each other.
local LAYERS = {
  { "cli" },
  { "emulator", "page" },
  { "server", "init" },
  { "reconcile" },
  { "receiver", "testing" },
  { "inbox", "client" },
  { "resources" },
  { "events", "transport" },
  { "runtime" },
  { "error" },
  { "util" },
  { "core", "redis", "thread", "version" },
}

local height = {} -- room -> its line, counted from the bottom
for line, rooms in ipairs(LAYERS) do
  for _, room in ipairs(rooms) do height[room] = #LAYERS - line end
end

-- The room of a module: "inbox" of "inbox.sqlite.schema", "server" of "server.core".
local function room_of(module)
  local room = module:match "^[^.]+"
  return assert(height[room], module .. ": no such room; add it to tools/layers.lua") and room
end

local function module_of(path)
  return (path:gsub("^lua/apivideo/", ""):gsub("%.lua$", ""):gsub("/", "."))
end

local upward = 0
for path in io.popen("find lua/apivideo -name '*.lua' | sort"):lines() do
  local room, number = room_of(module_of(path)), 0
  for line in io.lines(path) do
    number = number + 1
    for module in line:gmatch "require ?%(?[\"']apivideo%.([%w_.]+)[\"']" do
      local other = room_of(module)
      if other ~= room and height[other] >= height[room] then
        upward = upward + 1
        print(("%s:%d: %s must not require apivideo.%s, which is not below it"):format(path, number, room, module))
      end
    end
  end
end
os.exit(upward == 0)
