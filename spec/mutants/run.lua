--- Applies each mutant with number % divisor == remainder, and runs its spec: run.lua <remainder> <divisor>
--- Changes the files of the current directory, which must be a copy of the tree.

local file = require "spec.support.file"

local remainder, divisor = tonumber(arg[1]), tonumber(arg[2])
local SPEC_TIMEOUT_S = 180

-- The text with the mutation; nil and a message if it does not apply.
local function mutated(text, mutant)
  local from, to = text:find(mutant.from, 1, true)
  if not from then return nil, "the text to replace does not occur" end
  if text:find(mutant.from, to + 1, true) then return nil, "the text to replace occurs twice" end
  return text:sub(1, from - 1) .. mutant.to .. text:sub(to + 1)
end

local function run(command)
  return (os.execute(command .. " > mutant.log 2>&1 < /dev/null"))
end

local function builds(target)
  return run("make -s CFLAGS=-O1 " .. target)
end

-- Whether a spec passes. It runs in a session of its own, which is killed afterwards: the mutated child processes of a
-- spec that fails may never end.
local function passes(spec)
  local passed = run(("setsid -w sh -c 'echo $$ > mutant.session; exec timeout -k 5 %d tools/with-lua 5.4 " ..
    "$(command -v busted) --no-keep-going %s'"):format(SPEC_TIMEOUT_S, spec))
  os.execute "pkill -KILL -s $(cat mutant.session) 2> /dev/null"
  return passed
end

-- Whether a mutated file compiles. Otherwise its spec would fail for the wrong reason.
local function compiles(path, text)
  if path:find "%.lua$" then return load(text) ~= nil end
  return builds "build-5.4"
end

local sound = {} -- spec -> whether it passes without a mutation

-- Applies a mutant and runs its spec. Returns true if the spec fails, or false and a message.
local function kill(mutant)
  local text = file.read(mutant.file)
  local broken, problem = mutated(text, mutant)
  if not broken then return false, problem end
  if sound[mutant.spec] == nil then sound[mutant.spec] = passes(mutant.spec) or false end
  if not sound[mutant.spec] then return false, mutant.spec .. " fails without the mutation:\n" .. file.read "mutant.log" end
  local is_c = mutant.file:find "%.[ch]$"
  file.write(mutant.file, broken)
  local killed
  if not compiles(mutant.file, broken) then
    killed, problem = false, "does not compile:\n" .. file.read "mutant.log"
  else
    killed, problem = not passes(mutant.spec), mutant.spec .. " passes"
  end
  file.write(mutant.file, text)
  if is_c then assert(builds "build-5.4") end
  return killed, problem
end

assert(builds "build-5.4 build-jit", "the tree does not build") -- LuaJIT for nginx
local only = os.getenv "MUTANTS" or ""
local passed, failed = 0, 0
for number, mutant in ipairs(dofile "spec/mutants/list.lua") do
  if number % divisor == remainder and (mutant.file .. mutant.what):find(only, 1, true) then
    local killed, problem = kill(mutant)
    passed, failed = passed + (killed and 1 or 0), failed + (killed and 0 or 1)
    print(("%s %s: %s"):format(killed and "killed  " or "SURVIVED", mutant.file, mutant.what))
    if not killed then print("         " .. problem) end
    io.stdout:flush()
  end
end
print(("total: %d passed, %d failed"):format(passed, failed))
