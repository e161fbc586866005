--- What the collections of api.video have in common: get by id, and lists in pages. Pages are asked
--- for by number; what they say of themselves (counters, links) is not relied upon.

local call_options = require "apivideo.transport.call_options"
local errors = require "apivideo.error"
local options = require "apivideo.util.options"

---@class apivideo.Pagination
---@field currentPage integer
---@field pageSize integer
---@field pagesTotal integer
---@field itemsTotal integer
---@field currentPageItems integer
---@field links { rel: string, uri: string }[]

local LONGEST = 100000 -- pages that a list may have; a hundred items each, as a rule
local STALE = 10 -- pages in a row with nothing new: the server gives the same one again and again

local resource = {}

--- The error of an answer that is not what it should be.
function resource.unexpected(client, method, path, message, response)
  return errors.attach(errors.new("unexpected_response", message, {
    status = response and response.status, attempts = response and response.attempts,
    request = { method = method, url = client.base_url .. path },
  }, client.account().credentials.secrets), "response", response)
end

-- The arguments of a request: a query and the options of the call.
local function arguments_of(given, query)
  local arguments = { query = query }
  for name, value in pairs(given) do arguments[name] = value end
  return arguments
end

--- Gets one thing by its path; `id` is the field that it must have.
---@return table|nil thing
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function resource.get(client, path, id, given)
  local thing, err, response = client:request("GET", path, given)
  if not thing then return nil, err end
  if thing == true or id and type(thing[id]) ~= "string" then
    return nil, resource.unexpected(client, "GET", path, "the answer has no " .. (id or "fields"), response)
  end
  return thing, nil, response
end

local function is_list_of_tables(data)
  if type(data) ~= "table" or next(data) ~= nil and data[1] == nil then return false end
  for _, item in ipairs(data) do
    if type(item) ~= "table" then return false end
  end
  return true
end

--- One page of a list.
---@return table|nil page
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function resource.page(client, path, query, given)
  local page, err, response = client:request("GET", path, arguments_of(given, query))
  if not page then return nil, err end
  if page == true or not is_list_of_tables(page.data) then
    return nil, resource.unexpected(client, "GET", path, "the response is not a page of a list", response)
  end
  return page, nil, response
end

local function counter(page, name)
  local value = type(page.pagination) == "table" and page.pagination[name]
  return type(value) == "number" and value or nil
end

-- How many items a page can hold: as many as asked for, or fewer where the server says so. A page that
-- holds fewer is the last.
local function size_of(page, asked)
  local said = counter(page, "pageSize")
  local fewer = said and said >= #page.data and said < asked
  return math.max(1, fewer and said or asked)
end

-- Asks for pages, number by number; a failure is raised as an error object, because a loop that
-- ended early would look complete.
local function pager(client, path, query, given)
  local asked = {}
  for name, value in pairs(query) do asked[name] = value end
  asked.pageSize = asked.pageSize or 100
  local count = 0
  return function(number)
    count = count + 1
    if count > LONGEST then
      error(resource.unexpected(client, "GET", path, ("the list has no end: %d pages were read"):format(LONGEST)), 0)
    end
    asked.currentPage = number
    local page, err, response = resource.page(client, path, asked, given)
    if not page then error(err, 0) end
    return page, size_of(page, asked.pageSize), response
  end
end

-- The items of a page that were not seen before.
local function sift(page, id, seen)
  local fresh = {}
  for _, item in ipairs(page.data) do
    local key = item[id]
    if key == nil or not seen[key] then fresh[#fresh + 1] = item end
    if key ~= nil then seen[key] = true end
  end
  return fresh
end

--- Iterates over the pages of a list.
---@param id string the field that tells items apart
---@return fun(): table|nil, apivideo.Response|nil
function resource.pages(client, path, query, given, id)
  local ask, seen, stale = pager(client, path, query, given), {}, 0
  local first = query.currentPage or 1
  local number, last = first, false
  return function()
    if last then return nil end
    local page, size, response = ask(number)
    stale = #sift(page, id, seen) > 0 and 0 or stale + 1
    last = #page.data < size or stale >= STALE
    number = number + 1
    if #page.data > 0 or number == first + 1 then return page, response end
  end
end

-- Reads the pages of a list so that no item is missed when the list shrinks meanwhile: what comes
-- after then moves to pages that were read already, and those are read again.
local Walk = {}
Walk.__index = Walk

-- How many items the list has lost since the page before, as its count tells.
local function count_lost(self, page)
  local total = counter(page, "itemsTotal")
  local lost = total and self.total and self.total - total or 0
  self.total = total or self.total
  return math.max(0, lost)
end

function Walk:next_page()
  local page, size, response = self.ask(self.number)
  self.response = response
  self.fresh, self.position = sift(page, self.id, self.seen), 0
  self.lost = self.lost + count_lost(self, page)
  self.gained = self.gained or #self.fresh > 0
  if #self.fresh > 0 then
    self.stale = 0
  elseif self.number > self.farthest then
    self.stale = self.stale + 1
  end
  self.farthest = math.max(self.farthest, self.number)
  -- Back only after something new, so that counters which lie cannot lead in circles.
  if self.lost > 0 and self.gained and self.number > 1 then
    self.number = math.max(1, self.number - math.ceil(self.lost / size))
    self.lost, self.gained = 0, false
    return
  end
  self.last = #page.data < size or self.stale >= STALE
  self.number = self.number + 1
end

--- Iterates over all items of a list, page by page as the loop needs them; no item comes twice.
---@param id string the field that tells items apart
---@return fun(): table|nil, apivideo.Response|nil item and the response with its page
function resource.each(client, path, query, given, id)
  local walk = setmetatable({
    ask = pager(client, path, query, given), id = id, seen = {}, fresh = {}, position = 0,
    number = 1, farthest = 0, stale = 0, lost = 0, gained = false, last = false,
  }, Walk)
  return function()
    while walk.position >= #walk.fresh do
      if walk.last then return nil end
      walk:next_page()
    end
    walk.position = walk.position + 1
    return walk.fresh[walk.position], walk.response
  end
end

--- Checks an id that becomes part of a path: raises unless it is a string; nil and an error for one
--- that no such thing can have (it may come from outside), which is never sent.
---@param where string the function's name
---@param name string such as videoId
---@param id any
---@param prefix? string with which it begins
---@return true|nil ok
---@return apivideo.Error? err
function resource.check_id(where, name, id, prefix)
  if type(id) ~= "string" then
    error(("%s: %s must be a string, got %s"):format(where, name, type(id)), 3)
  elseif #id <= 100 and id:find("^" .. (prefix or "") .. "[A-Za-z0-9_%-]+$") then
    return true
  end
  return nil, errors.new("invalid_request",
    ("%s: %s is %sletters, digits, \"_\" or \"-\"; this one was not sent")
      :format(where, name, prefix and '"' .. prefix .. '" and ' or ""), { attempts = 0, origin = "client" })
end

--- The client of a resource; raises where it was called with a dot.
---@param self any
---@param where string the function's name
---@param level? integer as seen from here, 3 without it
---@return apivideo.Client
function resource.client_of(self, where, level)
  if type(self) ~= "table" or not self.client then
    error(("%s: call it with a colon, client.%s(…)"):format(where, where), level or 3)
  end
  return self.client
end

--- Checks a query: names and types, that pages are counted from 1, and that no filter is empty: it
--- would be as if it were not there.
---@param where string the function's name
---@param query? table
---@param known table<string, string>
---@param level integer as seen from here
---@return table query
function resource.check_query(where, query, known, level)
  query = options.check(where, query or {}, known, level)
  for name, value in pairs(query) do
    if type(value) == "number" and not (value >= 1 and value % 1 == 0) then
      error(("%s: option \"%s\" must be a whole number from 1 on"):format(where, name), level - 1)
    elseif type(value) == "table" and next(value) == nil then
      error(("%s: option \"%s\" is empty; leave it out to filter nothing"):format(where, name), level - 1)
    end
  end
  return query
end

--- Makes a resource of a client.
---@param Class table
---@param client apivideo.Client
function resource.new(Class, client)
  return setmetatable({ client = client }, Class)
end

--- Makes a class with `list`, `pages` and `each`.
---@param about { name: string, path: string, id: string, filters: table<string, string> }
---@return table class
function resource.class(about)
  local filters = { pageSize = "number?" }
  for name, kind in pairs(about.filters) do filters[name] = kind end
  local paged = { currentPage = "number?" }
  for name, kind in pairs(filters) do paged[name] = kind end
  local Class = {}
  Class.__index = Class

  local function check(self, method, query, known, given)
    local where = about.name .. ":" .. method
    return resource.client_of(self, where, 4), resource.check_query(where, query, known, 5),
      call_options.check(where, given, nil, 4)
  end

  function Class:list(query, given)
    local client, asked, limits = check(self, "list", query, paged, given)
    return resource.page(client, about.path, asked, limits)
  end

  function Class:pages(query, given)
    local client, asked, limits = check(self, "pages", query, paged, given)
    return resource.pages(client, about.path, asked, limits, about.id)
  end

  function Class:each(query, given)
    local client, asked, limits = check(self, "each", query, filters, given)
    return resource.each(client, about.path, asked, limits, about.id)
  end

  return Class
end

return resource
