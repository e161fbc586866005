local file = require "spec.support.file"
local private_file = require "apivideo.cli.private_file"
local process = require "spec.support.process"

describe("a private file #process", function()
  local path

  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  it("is created for its owner only", function()
    os.remove(path)
    assert(private_file.open(path, "ab")):close()
    assert.equal("600", io.popen(("stat -c %%a '%s'"):format(path)):read "*l")
  end)

  it("is rejected if others can read it, also below /dev", function()
    file.write(path, "x")
    os.execute(("chmod 644 '%s'"):format(path))
    local shared = "/dev/shm/" .. path:match "[^/]+$"
    os.execute(("cp -p '%s' '%s' 2> /dev/null"):format(path, shared))
    for _, each in ipairs { path, shared } do
      if io.open(each) then
        local opened, problem = private_file.open(each, "ab")
        assert.is_nil(opened)
        assert.equal(each .. ": others can read or change it (mode 0644); run: chmod 600 '" .. each .. "'", problem)
      end
    end
    os.remove(shared)
  end)

  it("is not created where its directory is missing, and only the caller says so", function()
    local output = process.run { "-e", [[
      local _, problem = require("apivideo.cli.private_file").open("/nonexistent/file", "ab")
      print(problem)]] }
    assert.equal("/nonexistent/file: No such file or directory\n", output)
  end)

  it("may be a device", function()
    assert(private_file.open("/dev/null", "ab")):close()
  end)
end)
