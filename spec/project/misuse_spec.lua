-- Misuse of each public function raises one sentence at the line of the caller: it names the function, and what to do.
-- The functions and their parameters come from the annotations.

local json = require "apivideo.util.json"
local lists = require "spec.support.lua_types"
local nginx = require "apivideo.receiver.nginx"
local samples = require "spec.support.samples"
local signatures = require "spec.support.signatures"
local wrong_values = require "spec.support.wrong_values"

local loadstring, unpack = loadstring or load, table.unpack or unpack

-- Tables with further fields are accepted, and those of these fields that are not needed are not read: the request of
-- a server has more of them, and parses its path at the first use.
local OPEN = { incoming = { path = true }, request = {} }

local REMEDIES = { "expected", "must ", "required", "is missing", "unknown option", "with a colon", "pass ", "omit ",
  "leave it out" }

-- A function that calls a member as an application does, from a chunk of its own.
local function caller_of(member, sign, count)
  local arguments = {}
  for i = 1, count do arguments[i] = "a[" .. i .. "]" end
  return assert(loadstring(("local object, a = ...\nlocal result = object%s%s(%s)\nreturn result")
    :format(sign, member.method, table.concat(arguments, ", ")), "=application"))
end

-- The name of a function in its messages: `webhooks:create`, `server.listen`, `parse`.
local function name_of(member)
  if member.sign == ":" then return member.of:match "[%w_]+$" .. ":" .. member.method end
  local module = member.of:match "^apivideo%.([%w_]+)$"
  return (module and module .. "." or "") .. member.method
end

local function escaped(text) return (text:gsub("%p", "%%%0")) end

-- What is wrong with the message of a call that is misuse, or nil. It must contain `word`, or its singular.
local function problem_of(member, ok, message, word)
  if ok then return "nothing was raised" end
  local text = type(message) == "string" and message:match "^application:2: (.*)$"
  if not text then return "raised elsewhere: " .. tostring(message) end
  if text:find "\n" or text:find "%.lua:%d" then return "not one line: " .. text end
  if not text:find("%f[%w_]" .. escaped(name_of(member)) .. "%f[^%w_]") then return "does not name it: " .. text end
  if word and not text:find((word:gsub("s$", "")), 1, true) then return ("does not name %s: %s"):format(word, text) end
  for _, remedy in ipairs(REMEDIES) do
    if text:find(remedy, 1, true) then return nil end
  end
  return "has no remedy: " .. text
end

-- Calls a member, and returns what is wrong with the message, after a description of the call.
local function call(member, sign, arguments, count, word)
  local ok, message = pcall(caller_of(member, sign, count), member.object, arguments)
  local problem = problem_of(member, ok, message, word)
  if not problem then return nil end
  local shown = {}
  for i = 1, count do shown[i] = (json.encode(arguments[i]) or type(arguments[i])):sub(1, 100) end
  return ("(%s): %s"):format(table.concat(shown, ", "), problem)
end

local function is_variadic(parameter) return parameter.name == "..." end

-- Valid arguments, and how many there are.
local function valid_arguments(member)
  local arguments, count = {}, 0
  for i, parameter in ipairs(member.params) do
    if not is_variadic(parameter) then arguments[i], count = samples.of(parameter), i end
  end
  return arguments, count
end

local function with(list, key, value)
  local copy = {}
  for name, old in pairs(list) do copy[name] = old end
  copy[key] = value
  return copy
end

local function is_required(parameter)
  return not parameter.optional and not lists.add(parameter.type, {}).any and not is_variadic(parameter)
    and not lists.add(parameter.type, {})["nil"]
end

-- Calls with each wrong option of a parameter that is a table of options.
local function add_options(problems, member, i)
  local parameter = member.params[i]
  local options = wrong_values.options(parameter.type)
  if not options then return end
  local arguments, count = valid_arguments(member)
  local function try(name, value)
    local settings = with(arguments[i], name, value)
    problems[#problems + 1] = call(member, member.sign, with(arguments, i, settings), count, name)
  end
  local is_open = OPEN[parameter.name]
  if not is_open then try("no_such_option", true) end
  for name, option in pairs(options) do
    if not option.optional then try(name, nil) end
    for _, value in ipairs(is_open and is_open[name] and {} or wrong_values.of(option.type)) do try(name, value) end
  end
end

local members = signatures.all()
local names = {}
for name, member in pairs(members) do
  if member.callable then names[#names + 1] = name end
end
table.sort(names)

describe("misuse raises one sentence at the caller, which names the function and the remedy:", function()
  local check_phase = nginx.check_phase
  setup(function() nginx.check_phase = function() end end) -- receiver:nginx checks it first
  teardown(function() nginx.check_phase = check_phase end)

  for _, name in ipairs(names) do
    local member = members[name]
    if member.sign == ":" then
      it(name .. " with a dot", function()
        local arguments, count = valid_arguments(member)
        local problems = {}
        for _, first in ipairs { 1, "text", {}, print } do
          problems[#problems + 1] = call(member, ".", { first, unpack(arguments, 1, count) }, count + 1, "with a colon")
        end
        problems[#problems + 1] = call(member, ".", {}, 0, "with a colon")
        problems[#problems + 1] = call(member, ".", arguments, count, "with a colon")
        assert.same({}, problems)
      end)
    end

    it(name .. " with wrong arguments", function()
      local arguments, count = valid_arguments(member)
      local problems, has_required = {}, false
      for i, parameter in ipairs(member.params) do
        if is_required(parameter) then
          has_required = true
          problems[#problems + 1] = call(member, member.sign, with(arguments, i, nil), count)
        end
        for _, value in ipairs(not is_variadic(parameter) and wrong_values.of(parameter.type) or {}) do
          problems[#problems + 1] = call(member, member.sign, with(arguments, i, value), count)
        end
      end
      if has_required then problems[#problems + 1] = call(member, member.sign, {}, 0) end
      assert.same({}, problems)
    end)

    it(name .. " with wrong options", function()
      local problems = {}
      for i in ipairs(member.params) do add_options(problems, member, i) end
      assert.same({}, problems)
    end)
  end
end)
