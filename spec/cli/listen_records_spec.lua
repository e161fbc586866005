local core = require "apivideo.core"
local file = require "spec.support.file"
local process = require "spec.support.process"
local running = require "spec.support.running"

local API, ID = "http://127.0.0.1:1", "webhook_1"

-- Runs code with the variables `records`, API and ID in a process, with a directory. Returns its output.
local function run(directory, code)
  local output, status = process.run({ "-e", ([[
    local records = require "apivideo.cli.listen.records"
    local API, ID = %q, %q
    %s]]):format(API, ID, code) }, "XDG_STATE_HOME=" .. directory)
  assert.equal(0, status, output)
  return output
end

describe("records of webhooks #process", function()
  local directory, path

  before_each(function()
    directory = running.directory()
    path = directory .. "/apivideo/listen/" .. ID
  end)
  after_each(running.stop)

  it("can be claimed when their process has ended, for the same API", function()
    run(directory, "assert(records.write(ID, API))")
    local record = file.read(path)
    run(directory, "assert(not records.claim(ID, API .. '2') and not records.claim('webhook_2', API))")
    assert.equal(record, file.read(path))
    run(directory, "assert(records.claim(ID, API))")
    assert.not_equal(record, file.read(path)) -- the id of the new process
    run(directory, "records.remove(ID) assert(not records.claim(ID, API))")
  end)

  it("are left to another process that claims them at the same time", function()
    run(directory, "assert(records.write(ID, API))")
    local other = running.process { "bin/apivideo", "listen", "--port", "0", "--unsigned" }
    other:wait_for "Listening"
    local claimed = ('{"pid":%s,"base_url":"%s"}'):format(file.read(other.base .. ".pid"):match "%d+", API)
    -- The other process claims it between the first reading and the renaming.
    run(directory, ([[
      local rename = os.rename
      os.rename = function(from, to)
        os.rename = rename
        local file = assert(io.open(from, "wb"))
        file:write(%q)
        file:close()
        return rename(from, to)
      end
      assert(not records.claim(ID, API))]]):format(claimed))
    assert.equal(claimed, file.read(path))
  end)

  it("cannot be claimed with an invalid field, or written under an id that cannot be a file name", function()
    run(directory, "assert(records.write(ID, API))")
    for _, text in ipairs { "", "{}", "[]", "null", '{"pid":"1"}',
      '{"pid":-1,"base_url":"' .. API .. '"}', '{"pid":1.5,"base_url":"' .. API .. '"}',
      '{"pid":1e300,"base_url":"' .. API .. '"}' } do
      file.write(path, text)
      run(directory, "assert(not records.claim(ID, API))")
    end
    run(directory, "assert(not records.write('webhook_/../x', API)) records.remove('webhook_/../x')")
  end)

  it("are kept in the home directory without XDG_STATE_HOME, and not without both", function()
    local code = { "-e", [[print(require("apivideo.cli.listen.records").write("webhook_1", "x"))]] }
    assert.equal("true\n", (process.run(code, "XDG_STATE_HOME=relative HOME=" .. directory)))
    assert.equal(384, core.file_mode(directory .. "/.local/state/apivideo/listen/webhook_1"))
    assert.equal("nil\tthere is no home directory; set XDG_STATE_HOME\n", (process.run(code, "XDG_STATE_HOME= HOME=")))
  end)
end)
