-- Every module loads in a host where undeclared globals are errors (as with "strict" modules).

local process = require "spec.support.process"

-- Modules that need nginx's modules.
local NGINX_ONLY = { ["apivideo.runtime.nginx"] = true }

local function modules()
  local names = {}
  local pipe = assert(io.popen "find lua/apivideo -name '*.lua' | sort")
  for path in pipe:lines() do
    local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
    if not NGINX_ONLY[name] then names[#names + 1] = name end
  end
  pipe:close()
  return names
end

-- Reading or writing an undeclared global raises an error with its place and name.
local STRICT = [[
setmetatable(_G, {
  __index = function(_, name) error("undeclared global " .. tostring(name), 2) end,
  __newindex = function(_, name) error("new global " .. tostring(name), 2) end,
})
]]

-- Loads each module in a new process, and prints the result.
local EACH = STRICT .. [[
for _, name in ipairs(ARGUMENTS) do
  for loaded in pairs(package.loaded) do
    if loaded:find "^apivideo" and not loaded:find "core$" then package.loaded[loaded] = nil end
  end
  local ok, message = pcall(require, name)
  print(name, ok, ok and "" or message)
end
]]

describe("with undeclared globals as errors,", function()
  it("every module loads", function()
    local names = modules()
    assert.is_true(#names > 40, "modules were found")
    local list = {}
    for i, name in ipairs(names) do list[i] = ("%q"):format(name) end
    local script = EACH:gsub("ARGUMENTS", function() return "{" .. table.concat(list, ",") .. "}" end)
    local expected = {}
    for i, name in ipairs(names) do expected[i] = name .. "\ttrue\t\n" end
    assert.equal(table.concat(expected), (process.run { "-e", script }))
  end)

  it("a client, an emulator, a server, a receiver and handlers work", function()
    local output, status = process.run { "-e", STRICT .. 'dofile "examples/quickstart.lua"' }
    assert.equal(0, status, output)
    assert.matches("is ready as", output)
  end)
end)
