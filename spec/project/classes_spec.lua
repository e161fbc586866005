-- A class has one name: in its annotation, and in `__name`, which Lua prints.

local file = require "spec.support.file"

describe("the __name of a class", function()
  it("is the name of its annotation", function()
    local count = 0
    local pipe = assert(io.popen "grep -rl '__name = \"' lua")
    for path in pipe:lines() do
      local text = file.read(path)
      for name in text:gmatch '\n%u%w*%.__name = "([^"]+)"' do
        count = count + 1
        assert(name:find "%.%u%w*$", ("%s: %s does not end in a name such as Inbox"):format(path, name))
        local annotation = "---@class " .. name:gsub("%.", "%%.") .. "[%s:]"
        assert(text:find(annotation), ("%s: no annotation has %s"):format(path, name))
      end
    end
    pipe:close()
    assert(count > 30, count)
  end)
end)
