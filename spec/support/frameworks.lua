--- The web frameworks of docs/guides/frameworks.md: stand-ins, which only have what the examples call.

local docs = require "spec.support.docs"

local PAGE = "docs/guides/frameworks.md"

local frameworks = {}

--- The Lua examples of the page by their heading: "Lapis" …; "my_webhooks" for the module that they share.
---@return table<string, string>
function frameworks.examples()
  local examples, text = {}, docs.read(PAGE)
  examples.my_webhooks = text:match "```lua\n(.-)```"
  for heading, section in text:gsub("\n## ", "\1"):gmatch "\1([^\n]+)([^\1]*)" do
    examples[heading] = section:match "```lua\n(.-)```"
  end
  return examples
end

-- The globals of the examples. `state.current` is the request.
local function new_globals(state)
  return {
    ngx = { req = {
      read_body = function() state.current.is_read = true end,
      get_body_data = function() return state.current.is_read and state.current.raw or nil end,
      get_headers = function() return state.current.headers end,
    } },
    kong = {
      request = {
        get_raw_body = function() return state.current.raw end,
        get_headers = function() return state.current.headers end,
      },
      response = { exit = function(status) state.current.status = status end },
    },
    core = { register_service = function(name, mode, fn) state[mode .. " " .. name] = fn end }, -- of HAProxy
  }
end

local header_list = { __index = { append = function(list, name, value) list[#list + 1] = { name, value } end } }

-- The modules of the examples. `state` gets the functions that they register.
local function new_modules(state)
  return {
    lapis = { Application = function()
      return { post = function(_, path, fn) state["lapis " .. path] = fn end }
    end },
    ["apisix.core"] = {
      schema = { check = function() return true end },
      request = {
        get_body = function(_, ctx) return ctx.raw end,
        headers = function(ctx) return ctx.headers end,
      },
    },
    ["http.headers"] = { new = function() return setmetatable({}, header_list) end },
    ["http.server"] = {
      listen = function(options) -- of lua-http
        state["lua-http"] = options.onstream
        return { loop = function() return true end }
      end,
      new = function() -- of Tarantool
        return {
          route = function(_, route, fn) state["tarantool " .. route.method .. " " .. route.path] = fn end,
          start = function() end,
        }
      end,
    },
  }
end

local deliver = {}

function deliver.Lapis(state, raw, headers)
  state.current = { raw = raw, headers = headers }
  return state["lapis /webhooks"]().status
end

function deliver.Kong(state, raw, headers, plugin)
  state.current = { raw = raw, headers = headers }
  plugin:access()
  return state.current.status
end

function deliver.APISIX(_, raw, headers, plugin)
  assert(plugin.check_schema {})
  return plugin.access({}, { raw = raw, headers = headers })
end

deliver["lua-http"] = function(state, raw, headers)
  local status
  local request = {
    each = function() return pairs(headers) end,
    get_as_sequence = function(_, name) return { n = 1, headers[name] } end,
  }
  state["lua-http"](nil, {
    get_headers = function() return request end,
    get_body_chars = function() return raw end,
    write_headers = function(_, response) status = tonumber(response[1][2]) end,
  })
  return status
end

function deliver.Tarantool(state, raw, headers)
  local request = { read_cached = function() return raw end, headers = headers }
  return state["tarantool POST /webhooks"](request).status
end

function deliver.HAProxy(state, raw, headers)
  local lists, result = {}, nil
  for name, value in pairs(headers) do lists[name] = { [0] = value } end
  state["http webhooks"] {
    receive = function() return raw end, headers = lists,
    set_status = function(_, status) result = status end, start_response = function() end,
  }
  return result
end

--- Creates stand-ins: `globals` and `modules` by name; `deliver[heading](raw, headers, result)` passes a request to the
--- example of a framework, which has been loaded and has returned `result`, and returns the status of the response.
function frameworks.new()
  local state = {}
  local self = { globals = new_globals(state), modules = new_modules(state), deliver = {} }
  for name, fn in pairs(deliver) do
    self.deliver[name] = function(...) return fn(state, ...) end
  end
  return self
end

return frameworks
