--- Lines for a person: in nginx's error log where nginx runs us, on stderr elsewhere. No secret is in
--- them.

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

--- What somebody else did wrong, or may be meant so.
---@param text string
function log.warn(text) write("WARN", text) end

--- What failed here.
---@param text string
function log.error(text) write("ERR", text) end

return log
