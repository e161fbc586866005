--- Whether `assert` of the Lua that runs the specs raises its message as it is, whatever its type. That of Lua 5.1 and
--- 5.2, and of older versions of LuaJIT, accepts only strings. Another process is asked: busted replaces `assert`.

local process = require "spec.support.process"

local _, status = process.run { "-e", "os.exit(type(select(2, pcall(assert, false, {}))) == 'table' and 0 or 1)" }
return status == 0
