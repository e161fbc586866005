-- The kinds of errors are a closed list: in the code, in the annotations, and in the reference, for each function.

local docs = require "spec.support.docs"
local error_kinds = require "spec.support.error_kinds"
local errors = require "apivideo.error"
local file = require "spec.support.file"
local responses = require "apivideo.transport.response"
local signatures = require "spec.support.signatures"

local known, members = error_kinds.list(), signatures.all()
local every_call = error_kinds.every_call(members)

local function paths(command)
  local list, pipe = {}, assert(io.popen(command .. " | sort"))
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

local function keys(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- The rows of the table of kinds: kind -> { every_call, retryable, remedy }.
local function tabulated()
  local rows = {}
  for kind, every, retryable, remedy in docs.section("The error")
    :gmatch "\n| `([%w_]+)` | [^|]+ | ?(%l*) ?| ?(%l*) ?| ([^|\n]+) |%f[\n]" do
    rows[kind] = { every_call = every == "yes" or nil, retryable = retryable == "yes", remedy = remedy }
  end
  return rows
end

describe("the kinds of errors", function()
  it("that the code creates are in the list", function()
    local count = 0
    for _, path in ipairs(paths "find lua -name '*.lua'") do
      for kind in file.read(path):gmatch 'errors%.new%(%s*"([^"]*)"' do
        count = count + 1
        assert(known[kind], path .. ": " .. kind)
      end
    end
    assert(count > 25, count)
    for kind in file.read("src/core/http_failure.c"):gmatch 'case HTTP_[%u_]+: return "([^"]*)"' do
      assert(known[kind], kind)
    end
    for status = 300, 599 do
      local response = { status = status, headers = {}, body = "" }
      local err = responses.status_error(response, { request = { url = "http://localhost/" }, attempts = 1 }, {})
      assert(known[err.kind], status)
    end
  end)

  it("are those that the code creates", function()
    local code = {}
    for _, path in ipairs(paths "find lua src -name '*.lua' -o -name '*.c'") do
      code[#code + 1] = file.read(path):gsub("%-%-%-[^\n]*", "")
    end
    local text = table.concat(code)
    for kind in pairs(known) do assert(text:find('"' .. kind .. '"', 1, true), kind) end
  end)

  it("have a row in the reference, with what every call returns, and what may be retried", function()
    local rows, expected, found = tabulated(), {}, {}
    for kind in pairs(known) do
      expected[kind] = { every_call[kind], errors.new(kind, "").retryable }
    end
    for kind, row in pairs(rows) do found[kind] = { row.every_call, row.retryable } end
    assert.same(expected, found)
  end)

  it("are each returned by a function, or passed to the log of a receiver", function()
    local named = error_kinds.named(docs.section("The outcome"), every_call)
    for name, member in pairs(members) do
      for kind in pairs(member.callable and error_kinds.annotated(members, name) or {}) do named[kind] = true end
    end
    assert.same(keys(known), keys(named))
  end)

  local sections = docs.sections()
  for name, member in pairs(members) do
    if member.callable then
      it(name .. " returns are the same in its annotation and the reference", function()
        local section = assert(sections[name], "docs/reference: no page has the heading ### " .. name)
        local text = assert(section.text:match "\n%*%*Errors:%*%* (.-)\n\n", "no **Errors:**")
        assert.same(keys(error_kinds.named(text, every_call)), keys(error_kinds.annotated(members, name)))
      end)
    end
  end
end)
