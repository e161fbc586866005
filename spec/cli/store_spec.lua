local process = require "spec.support.process"
local redis = require "apivideo.inbox.redis"
local store = require "apivideo.cli.store"

-- What the converter of --store returns.
local function convert(text)
  local option = {}
  function option:argname() return self end
  function option:convert(fn) self.fn = fn end
  store.define { option = function() return option end }
  return option.fn(text)
end

local function problem_of(text)
  local place, problem = convert(text)
  assert.is_nil(place, text)
  return problem
end

local MUST = "--store must be sqlite:PATH or redis://HOST:PORT/DATABASE, got '%s'; "
local ENCODE = "in a user or a password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
local EXAMPLE = "write, for example, --store sqlite:inbox.db, or --store redis://127.0.0.1:6379/0?name=apivideo"

describe("cli.store", function()
  it("reads the options of Redis from a URL", function()
    for text, expected in pairs {
      ["redis://h"] = { host = "h" },
      ["redis://h:1/2?name=a%20b"] = { host = "h", port = 1, database = 2, name = "a b" },
      ["rediss://[::1]:7/"] = { host = "::1", port = 7, tls = true },
      ["redis://:p%40%2Fw@h/2147483647"] = { host = "h", password = "p@/w", database = 2147483647 },
      ["redis://us%3Aer:pw@h?name=x"] = { host = "h", username = "us:er", password = "pw", name = "x" },
    } do
      assert.same(expected, assert(convert(text)).redis)
      redis(expected):close()
    end
    assert.equal("a@b:/c", convert("sqlite:a@b:/c").sqlite)
  end)

  it("has no password in the option that a command prints", function()
    for text, expected in pairs {
      ["redis://us:TopS3cret@h:1/0"] = "redis://us:PASSWORD@h:1/0", ["redis://:TopS3cret@h"] = "redis://:PASSWORD@h",
      ["redis://h/1?name=x"] = "redis://h/1?name=x", ["sqlite:a@b"] = "sqlite:a@b",
    } do
      assert.equal((" --store '%s'"):format(expected), store.option_text(convert(text)))
    end
  end)

  it("rejects a password that contains a delimiter, and says how to write it", function()
    for _, text in ipairs { "redis://us@er:TopS3cret@h", "redis://us:Top@S3cret@h", "redis://us:Top:S3cret@h",
      "redis://us:Top/S3cret@h", "redis://us:Top?S3cret@h", "rediss://us:Top#S3cret@h", "redis://u/s:TopS3cret@h" } do
      assert.equal(MUST:format "***@h" .. ENCODE, problem_of(text))
    end
  end)

  it("rejects credentials without a colon or a password, which may be a user or a password", function()
    for _, text in ipairs { "redis://TopS3cret@h", "redis://us:@h", "redis://:@h", "redis://@h" } do
      assert.equal(MUST:format "***@h" .. "write redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST for a password"
        .. " without a user", problem_of(text))
    end
  end)

  it("shows nothing of a rejected text that may be a password", function()
    for text, shown in pairs {
      ['"redis://us:Top/S3cret@127.0.0.1:6379"'] = '***@127.0.0.1:6379"', [" redis://us:TopS3cret@h"] = "***@h",
      ["redis:us:TopS3cret@h"] = "***@h", ["redis:/us:pw@h"] = "***@h", ["//us:pw@h"] = "***@h", ["us:pw@h"] = "***@h",
      ["REDIS://:pa/sswd@h:6379/0"] = "***@h:6379/0", ["redis-tls://:pa/ss@h/0"] = "***@h/0",
      ["redis+unix://us:Top/S3cret@/x"] = "***@/x", ["redis://us:TopS3cret/x%40h"] = "***@h",
      ["redis://us:TopS3cret"] = "redis://us:***", ["us:TopS3cret"] = "us:***", ["redis:TopS3cret"] = "redis:***",
      ["redis://us:pw@"] = "***@", ["redis://"] = "redis://", ["sqlite:"] = "sqlite:", ["inbox.db"] = "inbox.db",
    } do
      assert.equal(MUST:format(shown) .. EXAMPLE, problem_of(text))
    end
  end)

  it("rejects options that Redis does not have, before anything connects", function()
    local database = "the database must be an integer from 0 to 2147483647"
    local port = "the port must be an integer from 1 to 65535"
    for text, expected in pairs {
      ["redis://h/9223372036854775808"] = database, ["redis://h/2147483648"] = database,
      ["redis://h/" .. ("9"):rep(400)] = database, ["redis://h:0"] = port, ["redis://h:99999"] = port,
      ["redis://us:123456/0"] = port, ["redis://h?name=%7Ba%7D"] = "the name must be a string without { and }",
      ["redis://h?nme=a"] = "write the name of the inbox as ?name=NAME, the only parameter",
    } do
      local problem = problem_of(text)
      assert.equal(expected, problem:match "'; (.*)$")
      assert.is_nil(problem:find "123456")
    end
    local ok, message = pcall(redis, { database = 2147483648 })
    assert.is_false(ok)
    assert.matches('option "database" must be an integer from 0 to 2147483647', message, 1, true)
  end)

  it("has the same messages for the environment, also in doctor #process", function()
    for url, expected in pairs { ["redis://user:hid/den@localhost"] = ENCODE, ["redis://h:0"] = "the port must be an",
      ["redis://h/9223372036854775808"] = "the database must be", ["redis://h?name=%7Ba%7D"] = "the name must be" } do
      for _, arguments in ipairs { { "bin/apivideo", "inbox", "stats" }, { "bin/apivideo", "doctor" } } do
        local output = process.run(arguments, ("APIVIDEO_STORE='%s'"):format(url))
        assert.matches("APIVIDEO_STORE must be sqlite:PATH or redis://HOST:PORT/DATABASE, got '", output, 1, true)
        assert.matches(expected, output, 1, true)
        assert.is_nil(output:find "hid" or output:find "internal error", output)
        if arguments[2] == "doctor" then assert.matches("%d+ failures?, %d+ warnings?\n$", output) end
      end
    end
  end)
end)
