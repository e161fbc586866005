--- Specs of lists: clients of a peer that has one.

local client_of = require "spec.support.client"
local json = require "apivideo.util.json"
local running = require "spec.support.running"

local listing = {}

--- A client of a peer whose response a function creates from the request: a body and a status.
function listing.serving(respond)
  local p
  p = running.serving(function(request)
    if #p.requests > 2000 then return "500 X", nil, "endless loop" end
    local body, status = respond(request)
    return status or "200 OK", nil, type(body) == "table" and json.encode(body) or body
  end)
  return client_of(p.url), p
end

--- Items "vi<from>" to "vi<to>".
function listing.videos(from, to)
  local list = {}
  for i = from, to do list[#list + 1] = { videoId = "vi" .. i } end
  return list
end

function listing.number_and_size(request)
  return tonumber(request.line:match("currentPage=(%d+)")), tonumber(request.line:match("pageSize=(%d+)"))
end

--- A client of a server with a list; `counters(page)` creates the pagination (by default the correct one), `most` is the
--- maximum page size.
function listing.of(list, counters, most)
  return listing.serving(function(request)
    local number, size = listing.number_and_size(request)
    size = math.min(size, most or size)
    local data = json.array {}
    for i = (number - 1) * size + 1, math.min(number * size, #list) do data[#data + 1] = list[i] end
    local right = { currentPage = number, pageSize = size, currentPageItems = #data, itemsTotal = #list,
      pagesTotal = math.ceil(#list / size), links = {} }
    local pagination = right
    if counters then pagination = counters(right) end
    return { data = data, pagination = pagination }
  end)
end

return listing
