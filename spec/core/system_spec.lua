-- Functions about this process and files.

local compile = require "spec.support.compile"
local core = require "apivideo.core"
local file = require "spec.support.file"
local mounting = require "spec.support.mounting"
local process = require "spec.support.process"
local temporary = require "spec.support.temporary"

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

describe("create_file", function()
  local path

  before_each(function()
    path = os.tmpname()
    os.remove(path)
  end)

  after_each(function() os.remove(path) end)

  it("creates a file for its owner alone, whatever the umask #process", function()
    for _, mask in ipairs { "0", "022", "077", "0777" } do
      local output = compile.run(("umask %s; %s"):format(mask, process.command { "-e",
        ("print(require('apivideo.core').create_file(%q))"):format(path) }))
      assert.equal("true\n", output)
      assert.equal(384, (core.file_mode(path)))
      os.remove(path)
    end
  end)

  it("leaves a file that exists as it is", function()
    file.write(path, "x")
    compile.run("chmod 644 " .. path)
    local is_created, problem = core.create_file(path)
    assert.is_nil(is_created)
    assert.equal(path .. ": File exists", problem)
    assert.equal(420, (core.file_mode(path)))
    assert.equal("x", file.read(path))
  end)

  it("returns the reason when it cannot create one", function()
    local is_new, problem = core.create_file(path .. "/none")
    assert.is_nil(is_new)
    assert.equal(path .. "/none: No such file or directory", problem)
  end)
end)

describe("owner and user", function()
  it("are the names that ls and id print", function()
    assert.equal(compile.run "id -un", core.user() .. "\n")
    assert.equal("root", core.owner "/")
    local owner, problem = core.owner "/nonexistent"
    assert.is_nil(owner)
    assert.equal("/nonexistent: No such file or directory", problem)
  end)

  it("are numbers of users without a name", function()
    if compile.run "id -u" ~= "0\n" then return pending "only root can give a file away" end
    local path = os.tmpname()
    compile.run("chown 123456 " .. path)
    local owner = core.owner(path)
    os.remove(path)
    assert.equal("123456", owner)
  end)
end)

describe("real_path and is_directory", function()
  it("follow symbolic links", function()
    local path = os.tmpname()
    compile.run(("ln -s %s %s.link"):format(path, path))
    assert.equal(compile.run("realpath " .. path), core.real_path(path .. ".link") .. "\n")
    assert.is_false(core.is_directory(path .. ".link"))
    os.remove(path)
    assert.is_false(core.is_directory(path .. ".link"))
    local real, problem = core.real_path(path)
    assert.is_nil(real)
    assert.equal(path .. ": No such file or directory", problem)
    compile.run("mkdir " .. path)
    assert.is_true(core.is_directory(path .. ".link"))
    compile.run(("rm -r %s %s.link"):format(path, path))
  end)
end)

describe("network_file_system", function()
  it("is nil for a local one, and for a path that does not exist", function()
    assert.is_nil(core.network_file_system "/proc")
    assert.is_nil(core.network_file_system "/nonexistent")
  end)

  -- A mount without a program that serves it: no process of another user is allowed to use it, but its kind is known.
  it("names a file system of FUSE #process", function()
    if mounting.missing() then pending(mounting.missing()) end
    local directory = temporary.directory()
    local pipe = io.popen(([[unshare -m sh -c 'exec 3<> /dev/fuse
      mount -i -t fuse -o fd=3,rootmode=40000,user_id=65534,group_id=65534 none %s && "$@"' sh %s 2>&1]])
      :format(directory, process.command { "-e",
        ("print(require('apivideo.core').network_file_system(%q))"):format(directory) }))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(directory)
    if output ~= "FUSE\n" then
      assert.truthy(output:find "[Pp]ermi" or output:find "fuse", output)
      return pending("FUSE cannot be mounted here: " .. output)
    end
  end)
end)
