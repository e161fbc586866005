--- The version of libmicrohttpd that the specs run with.

local compile = require "spec.support.compile"
local is_below = require "spec.support.is_below"

local libmicrohttpd = { version = compile.run("pkg-config --modversion libmicrohttpd"):match "%S+" }

--- libmicrohttpd 0.9.72 closes the connection without a response for some of the requests that 0.9.75 rejects with 400
--- or 413, and does not read a request after an empty line.
libmicrohttpd.is_silent = is_below(libmicrohttpd.version, "0.9.75")

return libmicrohttpd
