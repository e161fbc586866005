-- Every Lua example of the documentation is run; every command is one that there is.

local apivideo = require "apivideo"
local emulator = require "apivideo.emulator"
local server = require "apivideo.server"

local files = { "README.md", "docs/receiving.md", "docs/events.md", "docs/managing.md", "docs/testing.md",
  "docs/command.md", "docs/tasks.md", "docs/inside.md" }

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The fenced blocks of a language in a file: text and line.
local function blocks(path, language)
  local list, text, position = {}, read(path), 1
  while true do
    local from, to, code = text:find("```" .. language .. "\n(.-)```", position)
    if not from then return list end
    local _, line = text:sub(1, from):gsub("\n", "")
    list[#list + 1] = { code = code, name = path .. ":" .. line + 1 }
    position = to + 1
  end
end

local function copy_with(original, changes)
  return setmetatable(changes, { __index = original })
end

describe("documentation", function()
  local local_api, printed

  before_each(function()
    local_api = assert(emulator.start { api_key = "docs-key" })
    printed = {}
  end)

  after_each(function() local_api:stop() end)

  -- Globals in which an example meets the local api.video instead of the real one, and a server that
  -- ends at once.
  local function environment()
    local modules = {
      apivideo = copy_with(apivideo, {
        client = function(given)
          if given.base_url then return apivideo.client(given) end
          return apivideo.client(copy_with(given, {
            api_key = "docs-key", base_url = local_api.url,
            environment = given.environment, timeout = given.timeout,
          }))
        end,
      }),
      ["apivideo.server"] = copy_with(server, {
        serve = function(given)
          local listening = assert(server.listen(copy_with(given, {
            port = 0, receiver = given.receiver, host = given.host, max_body = given.max_body,
            timeout = given.timeout, max_connections = given.max_connections,
          })))
          listening:stop()
          return true
        end,
      }),
    }
    return copy_with(_G, {
      require = function(name) return modules[name] or require(name) end,
      os = copy_with(os, {
        getenv = function(name) return name == "APIVIDEO_API_KEY" and "docs-key" or nil end,
      }),
      print = function(...)
        local parts = { ... }
        for i = 1, select("#", ...) do parts[i] = tostring(parts[i]) end
        printed[#printed + 1] = table.concat(parts, "  ")
      end,
    })
  end

  local function run(code, name)
    local fn
    if setfenv then -- luacheck: ignore
      fn = assert(loadstring(code, "=" .. name)) -- luacheck: ignore
      setfenv(fn, environment()) -- luacheck: ignore
    else
      fn = assert(load(code, "=" .. name, "t", environment()))
    end
    fn()
  end

  for _, path in ipairs(files) do
    for _, block in ipairs(blocks(path, "lua")) do
      it("runs " .. block.name, function()
        run(block.code, block.name)
        -- `print(…) --> a  b` shows what is printed.
        for expected in block.code:gmatch("%-%->%s*([^\n]-)%s*%f[(\n]") do
          local all = table.concat(printed, "\n")
          assert.truthy(all:find(expected, 1, true), expected .. " in\n" .. all)
        end
      end)
    end

    for _, block in ipairs(blocks(path, "sh")) do
      for line in block.code:gmatch("[^\n]+") do
        local words = {}
        for word in line:gsub("%s+#.*", ""):gmatch("%S+") do words[#words + 1] = word end
        it("knows: " .. line, function()
          local first = table.remove(words, 1)
          if first == "apivideo" then
            assert.is_true((require("apivideo.command").parser():pparse(words)))
          elseif first == "make" then
            assert.truthy(read("Makefile"):find("\n" .. words[1] .. ":"))
          elseif first == "luarocks" then
            read(words[2])
          else
            assert.equal('eval "$(make -s env)"', line)
          end
        end)
      end
    end
  end

  it("leads to files that exist", function()
    for _, path in ipairs(files) do
      local folder = path:match("^(.*/)") or ""
      for target in read(path):gmatch("%]%(([^)#]+)%)") do
        if not target:find("^https?:") then read(folder .. target) end
      end
    end
  end)

  it("has every event type with its fields", function()
    local text = read("docs/events.md")
    for _, name in ipairs(apivideo.events:names()) do
      local row = text:match("| `" .. name:gsub("%p", "%%%0") .. "` |([^\n]*)")
      for _, field in ipairs(apivideo.events.types[name].required) do
        if field ~= "emittedAt" then assert.truthy(row:find("`" .. field .. "`", 1, true), name .. " " .. field) end
      end
    end
  end)

  it("has the quickstart as an example that runs", function()
    run(read("examples/quickstart.lua"):gsub("apivideo.run%(main%)", "main()"), "quickstart")
  end)
end)
