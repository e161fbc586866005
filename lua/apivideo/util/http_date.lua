--- Dates of HTTP headers (RFC 9110, 5.6.7). Only the format that senders must use, IMF-fixdate, is accepted.

local headers = require "apivideo.util.headers"
local timestamp = require("apivideo.core").timestamp

local MONTHS = { Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6, Jul = 7, Aug = 8, Sep = 9,
  Oct = 10, Nov = 11, Dec = 12 }

local http_date = {}

--- Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`.
---@param text? string
---@return integer? seconds nil when the text is not such a date
function http_date.parse(text)
  local day, month, year, time = (text or ""):match("^%a%a%a, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d:%d%d:%d%d) GMT$")
  if not MONTHS[month] then return nil end
  local seconds = timestamp(("%s-%02d-%sT%sZ"):format(year, MONTHS[month], day, time))
  return seconds
end

--- The time by the server's clock at which it sent a response: its `Date` header.
---@param response apivideo.Response
---@return integer? seconds since 1970; nil when the header is missing or invalid
function http_date.of_response(response)
  return http_date.parse((headers.get(response.headers, "date")))
end

return http_date
