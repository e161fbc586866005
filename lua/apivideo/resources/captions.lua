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

---@class apivideo.CaptionQuery
---@field currentPage? integer from 1; not for `each` and `all`
---@field pageSize? integer 1 to 100, 25 by default in `list`

---@class apivideo.Captions
local Captions = {}
Captions.__index = Captions
Captions.__name = "apivideo.Captions"

local ID_FIELD = "srclang" -- a video has one caption in a language

-- Checks the arguments of a method. Its path, query and options; or nil and an error.
local function prepare(method, videoId, query, known, options, more)
  local where = "captions:" .. method
  local page_query = collection.check_query(where, query, known, 4)
  local limits = call_options.check(where, options, more, 4)
  local ok, err = objects.check_id(where, "videoId", videoId, nil, 4)
  if not ok then return nil, err end
  return "/videos/" .. videoId .. "/captions", page_query, limits
end

--- Lists one page of the captions of a video.
---@param videoId string
---@param query? apivideo.CaptionQuery
---@param options? apivideo.CallOptions
---@return apivideo.CaptionPage|nil page
---@return apivideo.Error? err those of every call, `not_found` when the video does not exist
---@return apivideo.Response? response not after an error
function Captions:list(videoId, query, options)
  checks.self(self, Captions, "captions", "list")
  local path, page_query, limits = prepare("list", videoId, query, collection.PAGE, options)
  if not path then return nil, page_query end
  return pages.get(self._client, path, page_query, limits)
end

--- Iterates over the pages of the captions of a video. Raises a failure as an error object.
---@param videoId string
---@param query? apivideo.CaptionQuery
---@param options? apivideo.CallOptions
---@return fun(): apivideo.CaptionPage|nil, apivideo.Response? an iterator over the pages; raises the errors of every call
function Captions:pages(videoId, query, options)
  checks.self(self, Captions, "captions", "pages")
  local path, page_query, limits = prepare("pages", videoId, query, collection.PAGE, options)
  if not path then error(page_query, 0) end
  return pages.iterate(self._client, path, page_query, limits, ID_FIELD)
end

--- Iterates over all captions of a video. Raises a failure as an error object.
---@param videoId string
---@param query? apivideo.CaptionQuery
---@param options? apivideo.CallOptions
---@return fun(): apivideo.Caption|nil an iterator over all items; raises the errors of every call
function Captions:each(videoId, query, options)
  checks.self(self, Captions, "captions", "each")
  local path, page_query, limits = prepare("each", videoId, query, collection.PAGE_SIZE, options)
  if not path then error(page_query, 0) end
  return pages.each(self._client, path, page_query, limits, ID_FIELD)
end

--- All captions of a video, or at most `limit`, as a list.
---@param videoId string
---@param query? apivideo.CaptionQuery
---@param options? apivideo.AllOptions
---@return apivideo.Caption[]|nil captions
---@return apivideo.Error? err those of every call, `not_found` when the video does not exist
function Captions:all(videoId, query, options)
  checks.self(self, Captions, "captions", "all")
  local path, page_query, limits = prepare("all", videoId, query, collection.PAGE_SIZE, options, collection.ALL)
  if not path then return nil, page_query end
  return pages.collect(pages.each(self._client, path, page_query, call_options.only(limits), ID_FIELD), limits.limit)
end

--- Gets the caption of a video in a language, such as that of an event.
---@param videoId string
---@param language string such as `en` or `fr-CA`
---@param options? apivideo.CallOptions
---@return apivideo.Caption|nil caption
---@return apivideo.Error? err those of every call, `not_found` when the video or the caption does not exist
---@return apivideo.Response? response not after an error
function Captions:get(videoId, language, options)
  checks.self(self, Captions, "captions", "get")
  local limits = call_options.check("captions:get", options)
  local ok, err = objects.check_id("captions:get", "videoId", videoId)
  if ok then ok, err = objects.check_id("captions:get", "language", language) end
  if not ok then return nil, err end
  return objects.get(self._client, "/videos/" .. videoId .. "/captions/" .. language, ID_FIELD, limits)
end

return {
  ---@param client apivideo.Client
  ---@return apivideo.Captions
  new = function(client) return setmetatable({ _client = client }, Captions) end,
}
