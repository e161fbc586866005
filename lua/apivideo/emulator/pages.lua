--- Responses to requests for a list: sorting and pagination.

local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"

local pages = {}

-- 400 if a parameter has a value that is not in `values`.
local function check_value(request, name, values)
  local text = query.text(request, name)
  if not text then return nil end
  for _, value in ipairs(values) do
    if value == text then return nil end
  end
  return problems.invalid_parameter(name, values)
end

-- A sorted copy of a list. The sort is stable, which table.sort is not; null sorts first.
local function sorted(list, field, order)
  local positions, copy = {}, {}
  for i, item in ipairs(list) do positions[item], copy[i] = i, item end
  local function key_of(item)
    local key = item[field]
    return type(key) == "string" and key or ""
  end
  local function is_before(a, b)
    local key_a, key_b = field and key_of(a), field and key_of(b)
    if key_a == key_b then return positions[a] < positions[b] end
    return key_a < key_b
  end
  table.sort(copy, order == "desc" and function(a, b) return is_before(b, a) end or is_before)
  return copy
end

local function links(uri, page, size, last)
  local list = json.array {}
  local function add(rel, number)
    list[#list + 1] = { rel = rel, uri = ("%s?currentPage=%d&pageSize=%d"):format(uri, number, size) }
  end
  add("self", page)
  add("first", 1)
  add("last", last)
  if page > 1 then add("previous", page - 1) end
  if page < last then add("next", page + 1) end
  return list
end

---@class apivideo.emulator.List
---@field uri string of the list, for the links
---@field sort_by? string[] the fields that it can be sorted by
---@field values? table<string, string[]> the allowed values of each filter that is an enumeration
---@field show? fun(item: table): table the item's representation in the list; default: the item itself

-- A parameter that is a whole number of at most nine digits, or nil.
local function number(request, name, default)
  local text = query.text(request, name)
  if not text then return default end
  return #text <= 9 and text:find("^%d+$") and tonumber(text) or nil
end

-- 400 for invalid parameters, or nil.
local function check_parameters(request, list, page, size)
  local problem = problems.check_page(page, size)
  for name, values in pairs(list.values or {}) do
    problem = problem or check_value(request, name, values)
  end
  if list.sort_by then
    problem = problem or check_value(request, "sortBy", list.sort_by)
      or check_value(request, "sortOrder", { "asc", "desc" })
  end
  return problem
end

--- Builds the response to a request for a list.
---@param request apivideo.ServerRequest
---@param items table[] that match the request's filters
---@param list apivideo.emulator.List
---@return integer status
---@return table body the page, or a problem
function pages.paginate(request, items, list)
  local page, size = number(request, "currentPage", 1), number(request, "pageSize", 25)
  local problem = check_parameters(request, list, page, size)
  if problem then return 400, problem end
  if list.sort_by then
    items = sorted(items, query.text(request, "sortBy"), query.text(request, "sortOrder"))
  end
  local data, last = json.array {}, math.max(1, math.ceil(#items / size))
  for i = (page - 1) * size + 1, math.min(page * size, #items) do
    data[#data + 1] = list.show and list.show(items[i]) or items[i]
  end
  return 200, {
    data = data,
    pagination = {
      currentPage = page, pageSize = size, pagesTotal = last, itemsTotal = #items,
      currentPageItems = #data, links = links(list.uri, page, size, last),
    },
  }
end

return pages
