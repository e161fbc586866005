--- The captions of a video. https://docs.api.video/reference/api/Captions
--- They have no captionId: what an event calls so is found by its videoId and language (`srclang`).

local call_options = require "apivideo.transport.call_options"
local resource = require "apivideo.resources.collection"

---@class apivideo.Caption
---@field uri string its path in the API
---@field src string where its text is
---@field srclang string the language, such as en
---@field languageName string
---@field default boolean

---@class apivideo.CaptionPage
---@field data apivideo.Caption[]
---@field pagination apivideo.Pagination

---@class apivideo.Captions
local Captions = {}
Captions.__index = Captions

--- Lists one page of the captions of a video.
---@param videoId string
---@param query? { currentPage?: integer, pageSize?: integer }
---@param given? apivideo.CallOptions
---@return apivideo.CaptionPage|nil page
---@return apivideo.Error? err `not_found` when there is no such video
---@return apivideo.Response? response not after an error
function Captions:list(videoId, query, given)
  local client = resource.client_of(self, "captions:list")
  local asked = resource.check_query("captions:list", query, { currentPage = "number?", pageSize = "number?" }, 4)
  local limits = call_options.check("captions:list", given)
  local ok, err = resource.check_id("captions:list", "videoId", videoId)
  if not ok then return nil, err end
  return resource.page(client, "/videos/" .. videoId .. "/captions", asked, limits)
end

return { new = function(client) return resource.new(Captions, client) end }
