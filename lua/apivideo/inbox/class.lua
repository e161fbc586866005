--- The class of an inbox, whose methods are in several files.

---@class apivideo.Inbox
---@field events apivideo.Catalogue
local Inbox = {}
Inbox.__index = Inbox
Inbox.__name = "apivideo.Inbox"

Inbox.__tostring = function() return "apivideo.inbox" end

return Inbox
