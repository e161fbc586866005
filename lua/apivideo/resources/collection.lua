--- What the collections of an account have in common: `list`, `pages`, `each`, `all` and `get`. This room has one module for
--- each collection of the management API; it only knows a client's `request`.

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local objects = require "apivideo.resources.objects"
local pages = require "apivideo.resources.pages"
local tables = require "apivideo.util.tables"

local PAGE_SIZE = { pageSize = "integer>=1?" }
local CURRENT_PAGE = { currentPage = "integer>=1?" }

local collection = {}

--- The options of a query that reads all pages.
collection.PAGE_SIZE = PAGE_SIZE

--- The options of a query that selects a page.
collection.PAGE = tables.merge(PAGE_SIZE, CURRENT_PAGE)

--- The options of `all` beside those of a call.
collection.ALL = { limit = "integer>=1?" }

--- Checks a query: names, kinds, and that no filter is empty, since it would filter nothing.
---@param where string the function's name
---@param query? table
---@param known table<string, string>
---@param level integer at which it raises, as seen from here
---@return table query
function collection.check_query(where, query, known, level)
  query = checks.options(where, query or {}, known, level + 1)
  for name, value in pairs(query) do
    if type(value) == "table" and next(value) == nil then
      error(("%s: option \"%s\" is empty; leave it out to filter nothing"):format(where, name), level)
    end
  end
  return query
end

---@class apivideo.AllOptions: apivideo.CallOptions
---@field limit? integer at most so many items; default: no limit

---@class apivideo.CollectionDefinition
---@field name string what users call the collection
---@field path string
---@field id_field string the field with an item's id
---@field id_prefix? string with which ids begin
---@field filters table<string, string> the options of a query, name -> kind
---@field is_listed_only? boolean whether the API has no request for a single item

-- Adds `get` to a class.
local function add_get(Class, about)
  local where = about.name .. ":get"

  function Class:get(id, options)
    checks.self(self, Class, about.name, "get")
    local limits = call_options.check(where, options)
    local ok, err = objects.check_id(where, about.id_field, id, about.id_prefix)
    if not ok then return nil, err end
    return objects.get(self._client, about.path .. "/" .. id, about.id_field, limits)
  end
end

--- Creates the class of a collection.
---@param about apivideo.CollectionDefinition
---@return table class
function collection.class(about)
  local filters = tables.merge(about.filters, PAGE_SIZE)
  local page_filters = tables.merge(filters, CURRENT_PAGE)
  local Class = { __name = "apivideo." .. about.name }
  Class.__index = Class

  local function check(method, query, known, options, more)
    local where = about.name .. ":" .. method
    return collection.check_query(where, query, known, 4), call_options.check(where, options, more, 4)
  end

  function Class:list(query, options)
    checks.self(self, Class, about.name, "list")
    local page_query, limits = check("list", query, page_filters, options)
    return pages.get(self._client, about.path, page_query, limits)
  end

  function Class:pages(query, options)
    checks.self(self, Class, about.name, "pages")
    local page_query, limits = check("pages", query, page_filters, options)
    return pages.iterate(self._client, about.path, page_query, limits, about.id_field)
  end

  function Class:each(query, options)
    checks.self(self, Class, about.name, "each")
    local page_query, limits = check("each", query, filters, options)
    return pages.each(self._client, about.path, page_query, limits, about.id_field)
  end

  function Class:all(query, options)
    checks.self(self, Class, about.name, "all")
    local page_query, limits = check("all", query, filters, options, collection.ALL)
    local only = call_options.only(limits)
    return pages.collect(pages.each(self._client, about.path, page_query, only, about.id_field), limits.limit)
  end

  if not about.is_listed_only then add_get(Class, about) end
  return Class
end

return collection
