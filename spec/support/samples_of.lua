--- The samples of a text in Prometheus' format.

local assert = require "luassert"

--- The samples by name and labels. Checks the format of all lines.
---@param text string
---@return table<string, number>
return function(text)
  local samples, typed = {}, {}
  assert.equal("\n", text:sub(-1))
  for line in text:gmatch("([^\n]*)\n") do
    local name, kind = line:match("^# TYPE ([%w_]+) (%l+)$")
    if name then
      assert.is_nil(typed[name])
      typed[name] = kind
    elseif not line:find("^# HELP [%w_]+ %u.*%.$") and not line:find "^# HELP nginx_" then -- of nginx-lua-prometheus
      local sample, value = line:match("^(%S+) (%S+)$")
      local family = sample:match("^[%w_]+")
      assert.truthy(typed[family] or typed[family:match("^(.*)_%l+$")], line)
      assert.is_nil(samples[sample])
      samples[sample] = assert(tonumber(value), line)
    end
  end
  return samples
end
