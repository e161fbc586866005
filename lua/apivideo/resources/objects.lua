--- Single objects of api.video by their ids, and responses that are not as documented.

local errors = require "apivideo.error"

local ID_MAX_BYTES = 100

local objects = {}

--- The error of a response that is not as documented.
---@param client apivideo.Client
---@param method string
---@param path string
---@param message string
---@param response? apivideo.Response
---@return apivideo.Error
function objects.unexpected(client, method, path, message, response)
  return errors.attach(errors.new("unexpected_response", message, {
    status = response and response.status, attempts = response and response.attempts,
    request = { method = method, url = client.base_url .. path },
  }, client._account().credentials.secrets), "response", response)
end

--- Checks an id that becomes part of a path. Raises an error unless it is a string. A string that cannot be an id may
--- come from outside: it is never sent, and is an error that is returned.
---@param where string the function's name
---@param name string such as videoId
---@param id any
---@param prefix? string with which the id begins
---@param level? integer at which it raises, as seen from here; default 3, the caller's caller
---@return true|nil ok
---@return apivideo.Error? err
function objects.check_id(where, name, id, prefix, level)
  if type(id) ~= "string" then
    error(("%s: %s must be a string, got %s"):format(where, name, type(id)), level or 3)
  elseif #id <= ID_MAX_BYTES and id:find("^" .. (prefix or "") .. "[A-Za-z0-9_%-]+$") then
    return true
  end
  return nil, errors.new("invalid_request", ('%s: %s must be %sletters, digits, "_" or "-"; nothing was sent')
    :format(where, name, prefix and '"' .. prefix .. '" and ' or ""), { attempts = 0, origin = "client" })
end

--- Gets an object by its path.
---@param client apivideo.Client
---@param path string
---@param id_field? string the field with its id, which it must have
---@param options apivideo.CallOptions
---@return table|nil object
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function objects.get(client, path, id_field, options)
  local object, err, response = client:request("GET", path, options)
  if not object then return nil, err end
  if object == true or id_field and type(object[id_field]) ~= "string" then
    return nil, objects.unexpected(client, "GET", path, "the response has no " .. (id_field or "fields"), response)
  end
  return object, nil, response
end

return objects
