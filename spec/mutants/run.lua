--- Makes every mutant whose number leaves a rest, and runs its spec: run.lua <rest> <divisor>
--- Changes files of the directory that it runs in: a copy of the tree.

local file = require "spec.support.file"

local rest, divisor = tonumber(arg[1]), tonumber(arg[2])
local SECONDS = 180 -- a spec that takes longer hangs

-- The text with the change; nil and why not.
local function changed(text, mutant)
  local from, to = text:find(mutant.from, 1, true)
  if not from then return nil, "the text is not there" end
  if text:find(mutant.from, to + 1, true) then return nil, "the text is there twice" end
  return text:sub(1, from - 1) .. mutant.to .. text:sub(to + 1)
end

local function run(command)
  return (os.execute(command .. " > mutant.log 2>&1 < /dev/null"))
end

local function builds(target)
  return run("make -s CFLAGS=-O1 " .. target)
end

-- Whether a spec passes.
local function passes(spec)
  return run(("timeout -k 5 %d tools/with-lua 5.4 $(command -v busted) --no-keep-going %s"):format(SECONDS, spec))
end

-- Whether a changed file can be tried at all: else its spec would fail for the wrong reason.
local function compiles(path, text)
  if path:find "%.lua$" then return load(text) ~= nil end
  return builds "build-5.4"
end

local sound = {} -- spec -> whether it passes on the tree as it is

-- What became of a mutant: true when its spec noticed; or false and why not.
local function try(mutant)
  local text = file.read(mutant.file)
  local broken, problem = changed(text, mutant)
  if not broken then return false, problem end
  if sound[mutant.spec] == nil then sound[mutant.spec] = passes(mutant.spec) or false end
  if not sound[mutant.spec] then return false, mutant.spec .. " fails without it:\n" .. file.read "mutant.log" end
  local is_c = mutant.file:find "%.[ch]$"
  file.write(mutant.file, broken)
  local noticed
  if not compiles(mutant.file, broken) then
    noticed, problem = false, "does not compile:\n" .. file.read "mutant.log"
  else
    noticed, problem = not passes(mutant.spec), mutant.spec .. " passes"
  end
  file.write(mutant.file, text)
  if is_c then assert(builds "build-5.4") end
  return noticed, problem
end

assert(builds "build-5.4 build-jit", "the tree does not build") -- nginx has LuaJIT
local only = os.getenv "MUTANTS" or ""
local passed, failed = 0, 0
for number, mutant in ipairs(dofile "spec/mutants/list.lua") do
  if number % divisor == rest and (mutant.file .. mutant.what):find(only, 1, true) then
    local noticed, problem = try(mutant)
    passed, failed = passed + (noticed and 1 or 0), failed + (noticed and 0 or 1)
    print(("%s %s: %s"):format(noticed and "noticed " or "SURVIVED", mutant.file, mutant.what))
    if not noticed then print("         " .. problem) end
    io.stdout:flush()
  end
end
print(("total: %d passed, %d failed"):format(passed, failed))
