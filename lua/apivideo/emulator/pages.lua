--- Lists, as api.video answers them: sorted, and page by page.

local json = require "apivideo.util.json"
local problems = require "apivideo.emulator.problems"
local query = require "apivideo.emulator.query"

local pages = {}

-- 400 for a parameter that is none of the words it may be.
local function problem_of_word(request, name, words)
  local value = query.text(request, name)
  if not value then return nil end
  for _, word in ipairs(words) do
    if word == value then return nil end
  end
  return problems.invalid_parameter(name, words)
end

-- A sorted copy of a list. Equal ones keep their order; null comes first.
local function sorted(list, field, order)
  local places, copy = {}, {}
  for i, item in ipairs(list) do places[item], copy[i] = i, item end
  local function key_of(item)
    local key = item[field]
    return type(key) == "string" and key or ""
  end
  local function is_before(a, b)
    local key_a, key_b = field and key_of(a), field and key_of(b)
    if key_a == key_b then return places[a] < places[b] end
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
---@field sort_by? string[] what it can be sorted by
---@field words? table<string, string[]> filter -> what it may be
---@field show? fun(item: table): table what is shown of an item, if not all of it

-- A parameter that is a whole number of at most nine digits, or nil.
local function number(request, name, default)
  local text = query.text(request, name)
  if not text then return default end
  return #text <= 9 and text:find("^%d+$") and tonumber(text) or nil
end

-- 400 for parameters that are wrong, or nil.
local function problem_of(request, list, page, size)
  local problem = problems.of_pages(page, size)
  for name, words in pairs(list.words or {}) do
    problem = problem or problem_of_word(request, name, words)
  end
  if list.sort_by then
    problem = problem or problem_of_word(request, "sortBy", list.sort_by)
      or problem_of_word(request, "sortOrder", { "asc", "desc" })
  end
  return problem
end

--- Answers a request for a list.
---@param request apivideo.ServerRequest
---@param items table[] what its filters let through
---@param list apivideo.emulator.List
---@return integer status
---@return table body the page, or a problem
function pages.answer(request, items, list)
  local page, size = number(request, "currentPage", 1), number(request, "pageSize", 25)
  local problem = problem_of(request, list, page, size)
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
