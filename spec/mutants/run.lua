--- Applies each mutant with number % divisor == remainder, and runs its spec: run.lua <remainder> <divisor>
--- Changes the files of the current directory, which must be a copy of the tree.

local file = require "spec.support.file"

local remainder, divisor = tonumber(arg[1]), tonumber(arg[2])
local MAX_SPEC_S = 180
local TIMEOUT_STATUS, KILLED_STATUS = 124, 137 -- of timeout(1)
local MUTANT_FACTOR = 10 -- how much longer than without the mutation a spec may take

-- The text with the mutation; nil and a message if it does not apply.
local function mutated(text, mutant)
  local from, to = text:find(mutant.from, 1, true)
  if not from then return nil, "the text to replace does not occur" end
  if text:find(mutant.from, to + 1, true) then return nil, "the text to replace occurs twice" end
  return text:sub(1, from - 1) .. mutant.to .. text:sub(to + 1)
end

local function run(command)
  return os.execute(command .. " > mutant.log 2>&1 < /dev/null")
end

local function builds(target)
  return (run("make -s CFLAGS=-O1 " .. target))
end

-- Whether a spec passes within some seconds, and whether it exceeded them. It runs in a session of its own, which is
-- killed afterwards: the mutated child processes of a spec that fails may never end.
local function passes(spec, seconds)
  local passed, _, status = run(("setsid -w sh -c 'echo $$ > mutant.session; exec timeout -k 5 %d tools/with-lua 5.4 " ..
    "$(command -v busted) --no-keep-going %s'"):format(seconds, spec))
  os.execute "pkill -KILL -s $(cat mutant.session) 2> /dev/null"
  return passed, status == TIMEOUT_STATUS or status == KILLED_STATUS
end

-- Whether a mutated file compiles. Otherwise its spec would fail for the wrong reason.
local function compiles(path, text)
  if path:find "%.lua$" then return load(text) ~= nil end
  return builds "build-5.4"
end

local limits = {} -- spec -> the seconds that a mutant may take; false if the spec fails without a mutation

-- The time limit of a spec with a mutation: a mutant may be an endless loop, which also fills the memory.
local function limit_of(spec)
  if limits[spec] == nil then
    local began = os.time()
    local passed = passes(spec, MAX_SPEC_S)
    limits[spec] = passed and math.min(MAX_SPEC_S, MUTANT_FACTOR * (os.time() - began + 1)) or false
  end
  return limits[spec]
end

-- Applies a mutant and runs its spec. Returns "killed" if the spec fails, or "timeout" if it does not end; otherwise nil
-- and a message.
local function kill(mutant)
  local text = file.read(mutant.file)
  local broken, problem = mutated(text, mutant)
  if not broken then return nil, problem end
  local limit = limit_of(mutant.spec)
  if not limit then return nil, mutant.spec .. " fails without the mutation:\n" .. file.read "mutant.log" end
  local is_c = mutant.file:find "%.[ch]$"
  file.write(mutant.file, broken)
  local result
  if not compiles(mutant.file, broken) then
    problem = "does not compile:\n" .. file.read "mutant.log"
  else
    local passed, is_late = passes(mutant.spec, limit)
    result, problem = not passed and (is_late and "timeout" or "killed") or nil, mutant.spec .. " passes"
  end
  file.write(mutant.file, text)
  if is_c then assert(builds "build-5.4") end
  return result, problem
end

assert(builds "build-5.4 build-jit", "the tree does not build") -- LuaJIT for nginx
local only = os.getenv "MUTANTS" or ""
local passed, failed = 0, 0
for number, mutant in ipairs(dofile "spec/mutants/list.lua") do
  if number % divisor == remainder and (mutant.file .. mutant.what):find(only, 1, true) then
    local result, problem = kill(mutant)
    passed, failed = passed + (result and 1 or 0), failed + (result and 0 or 1)
    print(("%-8s %s: %s"):format(result or "SURVIVED", mutant.file, mutant.what))
    if not result then print("         " .. problem) end
    io.stdout:flush()
  end
end
print(("total: %d passed, %d failed"):format(passed, failed))
