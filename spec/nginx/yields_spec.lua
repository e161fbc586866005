-- Where Lua in a real nginx may wait: not inside of C functions.

local nginx_calls = require "spec.support.nginx_calls"

-- Each calls `call` in another place, and returns its result.
local PLACES = [[ init_by_lua_block {
  @before@
  local function meta(name)
    return function(call)
      local result
      local object = setmetatable({}, { [name] = function() result = call() return true end })
      if name == "__index" then local _ = object.field
      elseif name == "__newindex" then object.field = 1
      elseif name == "__add" then local _ = object + 1
      elseif name == "__concat" then local _ = object .. ""
      elseif name == "__lt" then local _ = object < object
      elseif name == "__call" then object() end
      return result
    end
  end
  places = {
    directly = function(call) return call() end,
    pcall = function(call) return select(2, pcall(call)) end,
    xpcall = function(call) return select(2, xpcall(call, print)) end,
    nested = function(call) return select(3, pcall(pcall, call)) end,
    coroutine = function(call) return coroutine.wrap(function() coroutine.yield(call()) end)() end,
    iterator = function(call) for result in call do return result end end,
    index = meta "__index", newindex = meta "__newindex", add = meta "__add", concat = meta "__concat",
    lt = meta "__lt", call = meta "__call",
    require = function(call)
      package.loaded.mine = nil
      package.preload.mine = function() return { result = call() } end
      return require("mine").result
    end,
    gsub = function(call)
      local result
      ; ("x"):gsub("x", function() result = call() end)
      return result
    end,
    sort = function(call)
      local result
      table.sort({ 1, 2 }, function() result = call() end)
      return result
    end,
    in_sort = function(call)
      local result
      table.sort({ 1, 2 }, function() result = select(2, pcall(call)) end)
      return result
    end,
    load = function(call)
      local result
      load(function() result = call() end)
      return result
    end,
  }
} ]]

local LOCATION = [[ location /places/ { content_by_lua_block {
  ngx.print(places[ngx.var.uri:match "[%w_]+$"](require("app").call))
} } ]]

local FREE = { "directly", "pcall", "xpcall", "nested", "coroutine", "iterator", "index", "newindex", "add", "concat",
  "lt", "call" }
local IN_C = { "require", "gsub", "sort", "in_sort", "load" }

nginx_calls.describe(function()
  for name, before in pairs {
    ["as LuaJIT reports it"] = "assert(require('apivideo.core').is_yieldable() ~= nil)",
    ["where Lua cannot report it"] = "require('apivideo.core').is_yieldable = function() end",
  } do
    it("wait outside of C functions, and return the remedy inside of one, " .. name, function()
      local nginx = nginx_calls.start((PLACES:gsub("@before@", before)), LOCATION)
      for _, place in ipairs(FREE) do assert.equal(place .. " ok", place .. " " .. nginx:get("/places/" .. place)) end
      for _, place in ipairs(IN_C) do
        assert.truthy(nginx:get("/places/" .. place):find("^wrong_phase Lua cannot wait inside of a C function"))
      end
    end)
  end
end)
