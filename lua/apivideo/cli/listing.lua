--- Lists that are printed as their pages arrive.

local columns = require "apivideo.cli.columns"
local numbers = require "apivideo.cli.numbers"

local MIN_PAGE_SIZE, MAX_PAGE_SIZE = 25, 100 -- the default and the maximum of api.video

-- Of an id (2 + 22 characters) and a date. The lines are printed before the next page is known, so they cannot be as
-- wide as the longest of all; columns of texts come last.
local WIDTHS = { 24, 25 }

local listing = {}

--- Defines `--limit`.
---@param sub table of argparse
function listing.define(sub)
  sub:option("--limit", "At most so many. Default: all."):argname "<count>":convert(numbers.limit "--limit")
end

--- The size of pages to request.
---@param arguments table
---@return integer
function listing.page_size(arguments)
  return math.max(MIN_PAGE_SIZE, math.min(arguments.limit or MAX_PAGE_SIZE, MAX_PAGE_SIZE))
end

--- Prints the items of an iterator. It raises its errors.
---@param arguments table
---@param out apivideo.cli.Output
---@param next_item fun(): table|nil
---@param row_of fun(item: table): string[] the cells of its line
---@return integer count of printed items
function listing.print(arguments, out, next_item, row_of)
  local count = 0
  while not arguments.limit or count < arguments.limit do
    local item = next_item()
    if not item then break end
    out:print(item, columns.line(row_of(item), WIDTHS))
    count = count + 1
  end
  return count
end

return listing
