--- Records of the webhooks that `apivideo listen` created, so that the next start deletes those of a process that was
--- killed: a file for each in `$XDG_STATE_HOME/apivideo/listen`, which names the process that created it.

local core = require "apivideo.core"
local json = require "apivideo.util.json"
local json_line = require "apivideo.cli.json_line"
local private_file = require "apivideo.cli.private_file"
local secrets = require "apivideo.resources.webhooks.secrets"

local records = {}

---@class apivideo.cli.listen.Record
---@field webhookId string
---@field base_url string of the API
---@field pid integer

-- The directory; nil without a home directory.
local function directory()
  local state, home = os.getenv "XDG_STATE_HOME", os.getenv "HOME"
  -- The XDG specification: a relative path is invalid and must be ignored.
  if state and state:sub(1, 1) == "/" then return state .. "/apivideo/listen" end
  return home and home ~= "" and home .. "/.local/state/apivideo/listen" or nil
end

-- Ids become names of files, so their form is checked.
local function path_of(webhookId)
  local place = directory()
  return place and secrets.is_webhook_id(webhookId) and place .. "/" .. webhookId or nil
end

local function read(path)
  local file = io.open(path, "rb")
  local record = file and json.decode(file:read "*a" or "")
  if file then file:close() end
  local pid = type(record) == "table" and type(record.pid) == "number" and record.pid or 0
  return pid >= 1 and pid < 2 ^ 31 and pid % 1 == 0 and record or nil
end

-- Whether a process is an `apivideo listen`. Its id may be that of another process by now, or of this one: in a
-- container, ids repeat.
local function is_listening(pid)
  if pid == core.process_id() or not core.process_exists(pid) then return false end
  local file = io.open(("/proc/%d/cmdline"):format(pid), "rb") -- only on Linux
  local line = file and file:read "*a"
  if file then file:close() end
  return not line or line:find "%zlisten%z" ~= nil
end

--- Writes the record of a webhook of this process.
---@param webhookId string
---@param base_url string of the API
---@return boolean|nil is_written
---@return string? problem
function records.write(webhookId, base_url)
  local path = path_of(webhookId)
  if not path then return nil, "there is no home directory; set XDG_STATE_HOME" end
  private_file.create_directory(directory())
  local file, problem = private_file.open(path, "wb")
  if not file then return nil, problem end
  local ok, message = file:write(json_line.encode {
    webhookId = webhookId, base_url = base_url, pid = core.process_id(),
  }, "\n")
  local is_closed, close_message = file:close()
  if ok and is_closed then return true end
  return nil, tostring(message or close_message)
end

--- Removes the record of a webhook that was deleted.
---@param webhookId string
function records.remove(webhookId)
  local path = path_of(webhookId)
  if path then os.remove(path) end
end

-- Whether a record is one of a process that was killed, for a webhook of an API.
local function is_left(path, base_url)
  local record = read(path)
  return record ~= nil and record.base_url == base_url and not is_listening(record.pid)
end

--- Claims a webhook of a process that was killed: its record becomes one of this process. Of several processes that
--- start at the same time, one succeeds.
---@param webhookId string
---@param base_url string of the API
---@return boolean is_claimed
function records.claim(webhookId, base_url)
  local path = path_of(webhookId)
  if not path or not is_left(path, base_url) then return false end
  local own = ("%s.%d"):format(path, core.process_id())
  if not os.rename(path, own) then return false end
  -- Another process may have claimed it since the record was read: then this is the record of that process.
  if not is_left(own, base_url) then
    os.rename(own, path)
    return false
  end
  local ok = records.write(webhookId, base_url)
  os.remove(own)
  return ok or false
end

return records
