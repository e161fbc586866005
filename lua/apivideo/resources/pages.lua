--- Lists of api.video, which come in pages. Pages are requested by number; what a page reports about the list (counters
--- and links) may be wrong, and is not needed for a complete result.

local errors = require "apivideo.error"
local objects = require "apivideo.resources.objects"
local protected = require "apivideo.util.pcall"
local tables = require "apivideo.util.tables"

---@class apivideo.Pagination
---@field currentPage integer
---@field pageSize integer
---@field pagesTotal integer
---@field itemsTotal integer
---@field currentPageItems integer
---@field links { rel: string, uri: string }[]

local DEFAULT_PAGE_SIZE = 100
local MAX_PAGES = 100000 -- of a list
local MAX_STALE_PAGES = 10 -- in a row without a new item: the server sends the same page again and again

local pages = {}

local function is_list_of_tables(data)
  if type(data) ~= "table" or next(data) ~= nil and data[1] == nil then return false end
  for _, item in ipairs(data) do
    if type(item) ~= "table" then return false end
  end
  return true
end

--- One page of a list.
---@param client apivideo.Client
---@param path string
---@param query table
---@param options apivideo.CallOptions
---@return table|nil page
---@return apivideo.Error? err
---@return apivideo.Response? response not after an error
function pages.get(client, path, query, options)
  local page, err, response = client:request("GET", path, tables.merge({ query = query }, options))
  if not page then return nil, err end
  if page == true or not is_list_of_tables(page.data) then
    return nil, objects.unexpected(client, "GET", path, "the response is not a page of a list", response)
  end
  return page, nil, response
end

local function counter(page, name)
  local value = type(page.pagination) == "table" and page.pagination[name]
  return type(value) == "number" and value or nil
end

-- The number of items that a page can have: as requested, or fewer if the server reports that. A page with fewer items
-- is the last one.
local function size_of(page, requested)
  local reported = counter(page, "pageSize")
  local is_smaller = reported and reported >= #page.data and reported < requested
  return math.max(1, is_smaller and reported or requested)
end

-- A function that requests a page by its number. It raises a failure as an error object: a loop that ended early would
-- look complete.
local function pager(client, path, query, options)
  local page_query = tables.merge({ pageSize = DEFAULT_PAGE_SIZE }, query)
  local count = 0
  return function(number)
    count = count + 1
    if count > MAX_PAGES then
      error(objects.unexpected(client, "GET", path, ("the list has no end: %d pages were read"):format(MAX_PAGES)), 0)
    end
    page_query.currentPage = number
    local page, err, response = pages.get(client, path, page_query, options)
    if not page then error(err, 0) end
    return page, size_of(page, page_query.pageSize), response
  end
end

-- The items of a page that are not in `seen`, which gets them.
local function new_items(page, id_field, seen)
  local items = {}
  for _, item in ipairs(page.data) do
    local id = item[id_field]
    if id == nil or not seen[id] then items[#items + 1] = item end
    if id ~= nil then seen[id] = true end
  end
  return items
end

--- Iterates over the pages of a list.
---@param client apivideo.Client
---@param path string
---@param query table
---@param options apivideo.CallOptions
---@param id_field string the field with an item's id
---@return fun(): table|nil, apivideo.Response|nil
function pages.iterate(client, path, query, options, id_field)
  local request, seen, stale = pager(client, path, query, options), {}, 0
  local first = query.currentPage or 1
  local number, is_last = first, false
  return function()
    if is_last then return nil end
    local page, size, response = request(number)
    stale = #new_items(page, id_field, seen) > 0 and 0 or stale + 1
    is_last = #page.data < size or stale >= MAX_STALE_PAGES
    number = number + 1
    if #page.data > 0 or number == first + 1 then return page, response end
  end
end

--- Reads the pages of a list so that no item is missed when the list shrinks during the walk: the following items move
--- to pages that were already read, and those are requested again, at once: a loop over a sorted list may end at an item
--- of the next page, so the items before it must come first.
---@class apivideo.PageWalk
local Walk = {}
Walk.__index = Walk
Walk.__name = "apivideo.PageWalk"

-- How many items the list has lost since the previous page, according to its counter.
local function count_lost(self, page)
  local total = counter(page, "itemsTotal")
  local lost = total and self.total and self.total - total or 0
  self.total = total or self.total
  return math.max(0, lost)
end

-- Continues at the first page to which items may have moved.
local function go_back(self, size)
  self.number = math.max(1, self.number - math.ceil(self.lost / size))
  self.lost, self.gained = 0, false
end

-- Reads the next page, and decides which one follows.
function Walk:read_page()
  local page, size, response = self.request(self.number)
  self.response = response
  self.lost = self.lost + count_lost(self, page)
  if self.lost > 0 and self.number > self.went_back then -- once for each page: counters may be wrong
    self.went_back = self.number
    return go_back(self, size)
  end
  self.items, self.position = new_items(page, self.id_field, self.seen), 0
  self.gained = self.gained or #self.items > 0
  if #self.items > 0 then
    self.stale = 0
  elseif self.number > self.farthest then
    self.stale = self.stale + 1
  end
  self.farthest = math.max(self.farthest, self.number)
  -- Only after a new item, so that wrong counters cannot cause an endless loop.
  if self.lost > 0 and self.gained and self.number > 1 then return go_back(self, size) end
  self.is_last = #page.data < size or self.stale >= MAX_STALE_PAGES
  self.number = self.number + 1
end

--- Iterates over all items of a list. Pages are requested when the loop needs them; no item comes twice.
---@param client apivideo.Client
---@param path string
---@param query table
---@param options apivideo.CallOptions
---@param id_field string the field with an item's id
---@return fun(): table|nil, apivideo.Response|nil item and the response with its page; after the last item, nil and the last response
function pages.each(client, path, query, options, id_field)
  local walk = setmetatable({
    request = pager(client, path, query, options), id_field = id_field, seen = {}, items = {}, position = 0,
    number = 1, farthest = 0, went_back = 1, stale = 0, lost = 0, gained = false, is_last = false,
  }, Walk)
  return function()
    while walk.position >= #walk.items do
      if walk.is_last then return nil, walk.response end
      walk:read_page()
    end
    walk.position = walk.position + 1
    return walk.items[walk.position], walk.response
  end
end

--- Reads the items of an iterator into a list. A failure is returned, and not raised: no list looks complete then.
---@param next_item fun(): table|nil
---@param limit? integer the number of items after which it ends
---@return table[]|nil items
---@return apivideo.Error? err
function pages.collect(next_item, limit)
  local items = {}
  while #items < (limit or math.huge) do
    local ok, item = protected.call(next_item)
    if not ok and errors.is(item) then return nil, item end
    if not ok then error(item, 0) end
    if not item then break end
    items[#items + 1] = item
  end
  return items
end

return pages
