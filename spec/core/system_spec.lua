-- Functions about files and terminals.

local compile = require "spec.support.compile"
local core = require "apivideo.core"
local file = require "spec.support.file"
local process = require "spec.support.process"

describe("file_mode", function()
  local path

  before_each(function()
    path = os.tmpname()
    file.write(path, "x")
  end)

  after_each(function() os.remove(path) end)

  it("returns the permissions, with setuid, setgid and sticky bits, and that the file is ours", function()
    for octal, mode in pairs { ["600"] = 384, ["640"] = 416, ["604"] = 388, ["000"] = 0, ["777"] = 511,
      ["7700"] = 4032 } do
      compile.run(("chmod %s %s"):format(octal, path))
      local bits, is_ours, is_regular = core.file_mode(path)
      assert.equal(mode, bits)
      assert.is_true(is_ours)
      assert.is_true(is_regular)
      assert.equal(octal:sub(-2) == "00", bits % 64 == 0)
    end
  end)

  it("is about the file that a symbolic link names", function()
    compile.run(("chmod 640 %s && ln -s %s %s.link"):format(path, path, path))
    local mode = core.file_mode(path .. ".link")
    os.remove(path .. ".link")
    assert.equal(416, mode)
  end)

  it("reports that a file belongs to another user", function()
    local is_root = compile.run "id -u" == "0\n"
    if is_root then compile.run("chown 65534 " .. path) end
    local mode, is_ours = core.file_mode(is_root and path or "/etc/passwd")
    assert.is_number(mode)
    assert.is_false(is_ours)
  end)

  it("reports that a directory or a pipe is not a regular file", function()
    os.execute(("rm %s; mkfifo %s"):format(path, path))
    assert.is_false(select(3, core.file_mode(path)))
    assert.is_false(select(3, core.file_mode "/"))
  end)

  it("returns the reason when the file cannot be examined", function()
    local mode, message, code = core.file_mode(path .. "/none")
    assert.is_nil(mode)
    assert.equal(path .. "/none: Not a directory", message)
    assert.equal(20, code) -- ENOTDIR
    os.remove(path)
    assert.equal(path .. ": No such file or directory", select(2, core.file_mode(path)))
  end)

  it("rejects anything but a path", function()
    assert.has_error(function() core.file_mode() end)
    assert.has_error(function() core.file_mode {} end)
  end)
end)

describe("what is created", function()
  local path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function() os.execute("rm -rf " .. path) end)

  for kind, octal in pairs { file = "600", directory = "700" } do
    it("can only be used by its owner: a " .. kind, function()
      assert.is_true(core["create_" .. kind](path))
      assert.equal(octal .. "\n", compile.run("stat -c %a " .. path))
    end)

    it("does not replace what exists: a " .. kind, function()
      file.write(path, "x")
      local created, problem = core["create_" .. kind](path)
      assert.is_nil(created)
      assert.equal(path .. ": File exists", problem)
      assert.equal("x", file.read(path))
      assert.has_error(function() core["create_" .. kind]() end)
    end)
  end
end)

describe("process_exists", function()
  it("is true for this process and for one of another user, and false for an id that no process has", function()
    assert.is_true(core.process_exists(core.process_id()))
    assert.is_true(core.process_exists(1))
    assert.is_false(core.process_exists(2 ^ 31 - 1))
  end)

  it("rejects the ids of process groups", function()
    for _, id in ipairs { 0, -1, 2 ^ 31, 0.5, "x" } do
      assert.has_error(function() core.process_exists(id) end)
    end
  end)
end)

describe("terminal_columns", function()
  it("is nil for what is not a terminal, and for a descriptor that is not open", function()
    local output, status = process.run({ "-e", [[
      local core = require "apivideo.core"
      for _, fd in ipairs { 0, 1, 1000000 } do assert(core.terminal_columns(fd) == nil and not core.is_terminal(fd)) end
      os.exit(0)]] })
    assert.equal(0, status, output)
  end)

  it("rejects what cannot be a descriptor", function()
    for _, fd in ipairs { -1, 2 ^ 32 + 1, 0.5, 0 / 0, "x", {} } do
      assert.has_error(function() core.terminal_columns(fd) end)
      assert.has_error(function() core.is_terminal(fd) end)
    end
  end)

  it("is the width of a terminal, and nil while it is unknown #process", function()
    local found = os.execute "command -v script > /dev/null"
    if found ~= true and found ~= 0 then return pending "script (of util-linux) is not installed" end
    local command = process.command { "-e",
      [[local core = require "apivideo.core" print(core.is_terminal(1), core.terminal_columns(1))]] }
    for columns, printed in pairs { ["57"] = "57", ["0"] = "nil" } do
      local pipe = io.popen(("script -qec 'stty columns %s; %s' /dev/null < /dev/null"):format(columns,
        command:gsub("'", "'\\''")))
      local output = pipe:read "*a"
      pipe:close()
      assert.truthy(output:find("true\t" .. printed .. "\r?\n"), output)
    end
  end)
end)

describe("free_bytes", function()
  it("is what df reports as available", function()
    local bytes = assert(core.free_bytes ".")
    local available = tonumber(compile.run "df -Pk . | tail -n 1":match "%S+%s+%d+%s+%d+%s+(%d+)") * 1024
    assert(math.abs(bytes - available) < 1e9, bytes .. " " .. available) -- other processes write, too
  end)

  it("is nil and the system's message for a path that does not exist", function()
    local bytes, problem = core.free_bytes "/nonexistent"
    assert.is_nil(bytes)
    assert.equal("/nonexistent: No such file or directory", problem)
  end)
end)
