--- The captions of a video. https://docs.api.video/reference/api/Captions
--- They have no captionId. The captions of an event's `captionId` are found by its videoId and language (`srclang`).

local call_options = require "apivideo.transport.call_options"
local checks = require "apivideo.util.checks"
local collection = require "apivideo.resources.collection"
local objects = require "apivideo.resources.objects"
local pages = require "apivideo.resources.pages"

---@class apivideo.Caption
---@field uri string its path in the API
---@field src string the URL of its text
---@field srclang string the language, such as en
---@field languageName string
---@field default boolean

---@class apivideo.CaptionPage
---@field data apivideo.Caption[]
---@field pagination apivideo.Pagination

---@class apivideo.Captions
local Captions = {}
Captions.__index = Captions
Captions.__name = "apivideo.Captions"

--- Lists one page of the captions of a video.
---@param videoId string
---@param query? { currentPage?: integer, pageSize?: integer }
---@param options? apivideo.CallOptions
---@return apivideo.CaptionPage|nil page
---@return apivideo.Error? err `not_found` when the video does not exist
---@return apivideo.Response? response not after an error
function Captions:list(videoId, query, options)
  checks.self(self, Captions, "captions", "list")
  local page_query = collection.check_query("captions:list", query, collection.PAGE, 3)
  local limits = call_options.check("captions:list", options)
  local ok, err = objects.check_id("captions:list", "videoId", videoId)
  if not ok then return nil, err end
  return pages.get(self._client, "/videos/" .. videoId .. "/captions", page_query, limits)
end

return {
  ---@param client apivideo.Client
  ---@return apivideo.Captions
  new = function(client) return setmetatable({ _client = client }, Captions) end,
}
