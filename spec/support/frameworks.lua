--- The web frameworks of docs/guides/frameworks.md: stand-ins, which only have what the examples call.

local docs = require "spec.support.docs"

local PAGE = "docs/guides/frameworks.md"

local frameworks = {}

--- The Lua examples of the page by their heading: "Lapis" …; "my_webhooks" for the module that they share.
---@return table<string, string>
function frameworks.examples()
  local examples, text = {}, docs.read(PAGE)
  examples.my_webhooks = text:match "```lua\n(.-)```"
  for heading, code in text:gmatch "\n## ([^\n]+)\n.-```lua\n(.-)```" do examples[heading] = code end
  return examples
end

--- Creates stand-ins: `globals` and `modules` by name; `deliver[heading]` passes a request to the example of a
--- framework, after it has been loaded, and returns the status of the response.
function frameworks.new()
  local routes, current = {}, nil
  local self = { deliver = {} }

  self.globals = {
    ngx = { req = {
      read_body = function() current.is_read = true end,
      get_body_data = function() return current.is_read and current.raw or nil end,
      get_headers = function() return current.headers end,
    } },
    kong = {
      request = {
        get_raw_body = function() return current.raw end,
        get_headers = function() return current.headers end,
      },
      response = { exit = function(status) current.status = status end },
    },
    core = { register_service = function(name, mode, fn) routes[mode .. " " .. name] = fn end },
  }

  local headers_class = { __index = {
    append = function(list, name, value) list[#list + 1] = { name, value } end,
  } }
  self.modules = {
    lapis = { Application = function()
      return { post = function(_, path, fn) routes["lapis " .. path] = fn end }
    end },
    ["apisix.core"] = {
      schema = { check = function() return true end },
      request = {
        get_body = function(_, ctx) return ctx.raw end,
        headers = function(ctx) return ctx.headers end,
      },
    },
    ["http.headers"] = { new = function() return setmetatable({}, headers_class) end },
    ["http.server"] = {
      listen = function(options) -- of lua-http
        routes["lua-http"] = options.onstream
        return { loop = function() return true end }
      end,
      new = function() -- of Tarantool
        return {
          route = function(_, route, fn) routes["tarantool " .. route.method .. " " .. route.path] = fn end,
          start = function() end,
        }
      end,
    },
  }

  function self.deliver.Lapis(raw, headers)
    current = { raw = raw, headers = headers }
    return routes["lapis /webhooks"]().status
  end

  function self.deliver.Kong(raw, headers, plugin)
    current = { raw = raw, headers = headers }
    plugin:access()
    return current.status
  end

  function self.deliver.APISIX(raw, headers, plugin)
    assert(plugin.check_schema {})
    return plugin.access({}, { raw = raw, headers = headers })
  end

  self.deliver["lua-http"] = function(raw, headers)
    local status
    local request = {
      each = function() return pairs(headers) end,
      get_as_sequence = function(_, name) return { n = 1, headers[name] } end,
    }
    routes["lua-http"](nil, {
      get_headers = function() return request end,
      get_body_chars = function() return raw end,
      write_headers = function(_, response) status = tonumber(response[1][2]) end,
    })
    return status
  end

  function self.deliver.Tarantool(raw, headers)
    return routes["tarantool POST /webhooks"]({ read_cached = function() return raw end, headers = headers }).status
  end

  function self.deliver.HAProxy(raw, headers)
    local lists, result = {}, nil
    for name, value in pairs(headers) do lists[name] = { [0] = value } end
    routes["http webhooks"] {
      receive = function() return raw end, headers = lists,
      set_status = function(_, status) result = status end, start_response = function() end,
    }
    return result
  end

  return self
end

return frameworks
