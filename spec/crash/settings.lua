--- The settings of a child process: its first argument, as JSON.

local cjson = require "cjson"

local settings = cjson.decode(arg[1])
math.randomseed(settings.seed)

return settings
