--- The log: nginx's error log in nginx, otherwise stderr. Secrets are redacted.

local host = require "apivideo.runtime.host"
local redact = require "apivideo.util.redact"

local ngx = host.ngx

local function write(level, text)
  text = redact.one_line(redact.text(text))
  if ngx then
    ngx.log(ngx[level], "apivideo: ", text)
  else
    io.stderr:write("apivideo: ", text, "\n")
  end
end

local log = {}

--- Logs what a peer did wrong, or what may be intended.
---@param text string
function log.warn(text) write("WARN", text) end

--- Logs a failure of this process.
---@param text string
function log.error(text) write("ERR", text) end

return log
