-- The reference has the signature of each function as its annotation, and a page with all functions and options.

local docs = require "spec.support.docs"
local file = require "spec.support.file"
local reference = require "spec.support.reference"
local signatures = require "spec.support.signatures"

-- The parameters in a heading, such as `inbox:list(state [, options])`: "state, options?".
local function parameters_of(heading)
  local list, depth = {}, 0
  local parameters = assert(heading:match "%((.*)%)$", heading .. ": the heading must end in the parameters")
  for text in parameters:gmatch "[%[%]]?[^%[%]]*" do
    if text:find "^%[" then depth = depth + 1 end
    if text:find "^%]" then depth = depth - 1 end
    for name in text:gmatch "[%w_]+" do list[#list + 1] = name .. (depth > 0 and "?" or "") end
  end
  return table.concat(list, ", ")
end

describe("the reference", function()
  it("has the parameters of each function in its heading", function()
    local members, count = signatures.all(), 0
    for _, heading in ipairs(docs.headings()) do
      local member = assert(members[heading.name], heading.path .. ": not public: " .. heading.name)
      if member.callable then
        local list = {}
        for _, parameter in ipairs(member.params) do
          local is_variadic = parameter.name == "..."
          if not is_variadic then list[#list + 1] = parameter.name .. (parameter.optional and "?" or "") end
        end
        count = count + 1
        assert.equal(table.concat(list, ", "), parameters_of(heading.heading), heading.name)
      end
    end
    assert(count > 100, count)
  end)

  it("has a page with all functions and options", function()
    assert(reference.text() == file.read(docs.GENERATED), docs.GENERATED .. " is stale: run make reference")
  end)
end)
