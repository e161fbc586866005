--- What the collections of an account have in common: `list`, `pages`, `each` and `all`, and functions for a single item.
--- This room has one module for each collection of the management API; it only knows a client's `request`.

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local objects = require "apivideo.resources.objects"
local pages = require "apivideo.resources.pages"
local tables = require "apivideo.util.tables"

local PAGE_SIZE = { pageSize = "integer>=1?" }
local CURRENT_PAGE = { currentPage = "integer>=1?" }

local ALL = { limit = "integer>=1?" } -- the options of `all` beside those of a call

-- Checks a query: names, kinds, and that no filter is empty, since it would filter nothing. `level` is as seen from
-- here.
local function check_query(where, query, known, level)
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
---@field path string with `%s` for the id of the parent, if there is one
---@field parent? string the argument with the id of the object that has the items: the first one of each function
---@field id_field string the field with an item's id
---@field id_name? string the argument with an item's id; default `id_field`
---@field id_prefix? string with which ids begin
---@field filters? table<string, string> the options of a query, name -> kind
---@field getters table<string, string> functions for a single item, name -> what follows its path

-- The arguments of a function, which begin with the parent's id if there is a parent: that id, and the others.
local function arguments(about, first, ...)
  if about.parent then return first, ... end
  return nil, first, ...
end

-- The path of a collection; or nil and an error. `level` is as seen from here.
local function path_of(about, where, parent_id, level)
  if not about.parent then return about.path end
  local ok, err = objects.check_id(where, about.parent, parent_id, nil, level + 1)
  if not ok then return nil, err end
  return about.path:format(parent_id)
end

-- Adds the functions for a single item to a class.
local function add_getters(Class, about)
  for name, rest in pairs(about.getters) do
    local where = about.name .. ":" .. name
    local id_field = rest == "" and about.id_field or nil -- which the response must have

    Class[name] = function(self, ...)
      checks.self(self, Class, about.name, name)
      local parent_id, id, options = arguments(about, ...)
      local limits = call_options.check(where, options)
      local path, err = path_of(about, where, parent_id, 3)
      if not path then return nil, err end
      local ok, problem = objects.check_id(where, about.id_name or about.id_field, id, about.id_prefix)
      if not ok then return nil, problem end
      return objects.get(self._client, path .. "/" .. id .. rest, id_field, limits)
    end
  end
end

-- Adds the functions for all items to a class.
local function add_lists(Class, about)
  local filters = tables.merge(about.filters or {}, PAGE_SIZE)
  local page_filters = tables.merge(filters, CURRENT_PAGE)

  -- Checks the arguments of a function. The path, the query and the options; or nil and an error.
  local function prepare(name, known, more, parent_id, query, options)
    local where = about.name .. ":" .. name
    local page_query = check_query(where, query, known, 4)
    local limits = call_options.check(where, options, more, 4)
    local path, err = path_of(about, where, parent_id, 4)
    return path, path and page_query or err, limits
  end

  function Class:list(...)
    checks.self(self, Class, about.name, "list")
    local path, query, limits = prepare("list", page_filters, nil, arguments(about, ...))
    if not path then return nil, query end
    return pages.get(self._client, path, query, limits)
  end

  function Class:pages(...)
    checks.self(self, Class, about.name, "pages")
    local path, query, limits = prepare("pages", page_filters, nil, arguments(about, ...))
    if not path then error(query, 0) end
    return pages.iterate(self._client, path, query, limits, about.id_field)
  end

  function Class:each(...)
    checks.self(self, Class, about.name, "each")
    local path, query, limits = prepare("each", filters, nil, arguments(about, ...))
    if not path then error(query, 0) end
    return pages.each(self._client, path, query, limits, about.id_field)
  end

  function Class:all(...)
    checks.self(self, Class, about.name, "all")
    local path, query, limits = prepare("all", filters, ALL, arguments(about, ...))
    if not path then return nil, query end
    return pages.collect(pages.each(self._client, path, query, call_options.only(limits), about.id_field), limits.limit)
  end
end

local collection = {}

--- Creates the class of a collection.
---@param about apivideo.CollectionDefinition
---@return table class
function collection.class(about)
  local Class = { __name = "apivideo." .. about.name }
  Class.__index = Class
  add_lists(Class, about)
  add_getters(Class, about)
  return Class
end

return collection
