--- The libmicrohttpd that the specs run with.

local compile = require "spec.support.compile"

return { version = compile.run("pkg-config --modversion libmicrohttpd"):match "%S+" }
