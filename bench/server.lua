--- Measures signed deliveries to the standalone server with wrk on keep-alive connections, compared with
--- libmicrohttpd in C that only reads the body, @octokit/webhooks in Node.js, and Python's standard library. Medians
--- of alternating rounds. Exits with 1 if a bar is missed.

local apivideo = require "apivideo"
local cjson = require "cjson"
local figures = require "bench.figures"
local wait_for = require "spec.support.wait"
local wrk = require "bench.wrk"

local server, bare_program, octokit_program, scripts = arg[1], arg[2], arg[3], arg[4]

local ROUNDS = tonumber(os.getenv "ROUNDS") or 5
local SECONDS = 1 -- of a round
local SECRET = "sig_sec_0000000000000000000000"
local TYPE = "video.encoding.quality.completed"
local BODY = cjson.encode(apivideo.events:sample(TYPE))
local SIGNATURE = apivideo.sign(BODY, SECRET)

-- Writes a script for wrk that posts the body.
local function write_script(path, headers)
  local lines = { ("wrk.method = 'POST' wrk.body = %q"):format(BODY) }
  for name, value in pairs(headers) do lines[#lines + 1] = ("wrk.headers[%q] = %q"):format(name, value) end
  local file = assert(io.open(path, "w"))
  file:write(table.concat(lines, "\n"))
  file:close()
  return path
end

local delivery = write_script(scripts .. "/delivery.lua", {
  ["Content-Type"] = "application/json", ["X-Api-Video-WebhookID"] = "webhook_0000000000000000000000",
  ["X-Api-Video-Signature"] = SIGNATURE,
})
local github = write_script(scripts .. "/github.lua", {
  ["Content-Type"] = "application/json", ["X-GitHub-Event"] = "push", ["X-GitHub-Delivery"] = "1",
  ["X-Hub-Signature-256"] = "sha256=" .. SIGNATURE,
})

local function is_there(command)
  local found = os.execute(command .. " > /dev/null 2>&1")
  return found == true or found == 0
end

-- Starts a program that prints its port, and ends at the end of its input.
local function start(case)
  local path = os.tmpname()
  case.pipe = assert(io.popen(("%s %s > %s"):format(server, case.command, path), "w"))
  case.url = "http://127.0.0.1:" .. wait_for(function()
    local file = assert(io.open(path))
    local text = file:read "*a"
    file:close()
    return text:match "(%d+)\n"
  end, case.command) .. "/webhooks"
  os.remove(path)
end

local receiver = "bench/server_receiver.lua"
local arguments = (" %s %s"):format(SECRET, TYPE)
local bare = { command = bare_program }
local ours = { -- and the same server with a handler that always responds 204
  { name = "LuaJIT", command = "tools/with-lua jit " .. receiver .. arguments,
    empty = { command = "tools/with-lua jit " .. receiver } },
  { name = "Lua 5.4", command = "tools/with-lua 5.4 " .. receiver .. arguments,
    empty = { command = "tools/with-lua 5.4 " .. receiver } },
}
local octokit = octokit_program ~= "" and
  { command = ("node %s %s"):format(octokit_program, SECRET), script = github } or nil
local python = is_there "python3 --version" and { command = "python3 bench/server_python.py " .. SECRET } or nil

-- Runs all cases in each round, alternating ours and the peers, because consecutive measurements vary little.
local function measure()
  local cases = { ours[1].empty, ours[1], bare, ours[2], ours[2].empty }
  if octokit then cases[#cases + 1] = octokit end
  if python then cases[#cases + 1] = python end
  for _, case in ipairs(cases) do start(case) end
  for round = 0, ROUNDS do -- round 0 warms up
    for _, case in ipairs(cases) do
      case.rates = round > 0 and case.rates or {}
      table.insert(case.rates, (wrk(case.url, SECONDS, case.script or delivery)))
    end
  end
  for _, case in ipairs(cases) do case.pipe:close() end
end

-- The ratios of two lists of rates, per round.
local function shares(rates, others, factor)
  local list = {}
  for i, rate in ipairs(rates) do list[i] = rate / others[i] * factor end
  return list
end

local BARE, OCTOKIT = "libmicrohttpd in C, 204", "@octokit/webhooks, node:http"
local PYTHON = "Python, http.server and hmac"

local function compare(what, case)
  local empty = figures.median(shares(case.empty.rates, bare.rates, 100))
  local function row(beside, peer, factor, of, bar)
    local share = shares(case.rates, peer.rates, factor)
    figures.row { what = what, beside = beside, unit = "/s", ours = { (table.unpack or unpack)(case.rates) },
      theirs = { (table.unpack or unpack)(peer.rates) }, share = share, of = of,
      bar = bar, note = bar and figures.median(share) < bar and
        ("the server with a function that only responds 204 reaches %.0f %% of libmicrohttpd in C")
          :format(empty) or nil }
  end
  row(BARE, bare, 100, "%", 60)
  if octokit then
    row(OCTOKIT, octokit, 1, "×", 8)
  else
    figures.absent(what, OCTOKIT, "needs Node.js; make bench installs it from the npm registry")
  end
  if python then
    row(PYTHON, python, 1, "×")
  else
    figures.absent(what, PYTHON, "python3 is not installed")
  end
end

measure()
print(("%d bytes per delivery, 32 keep-alive connections, medians of %d rounds of %d s:")
  :format(#BODY, ROUNDS, SECONDS))
for _, case in ipairs(ours) do compare("standalone server, signed delivery, " .. case.name, case) end
os.exit(figures.failed and 1 or 0)
