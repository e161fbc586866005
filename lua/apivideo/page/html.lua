--- The page: one document with its style and script, which needs nothing else.

local markup = require "apivideo.page.assets.markup"
local style = require "apivideo.page.assets.style"

-- Each is a part of one script, in this order.
local SCRIPTS = { "base", "list", "deliveries", "tree", "details", "plots", "inbox", "entries", "app" }

local scripts = {}
for i, name in ipairs(SCRIPTS) do scripts[i] = require("apivideo.page.assets." .. name) end

local PARTS = { STYLE = style, SCRIPT = '"use strict";\n(() => {\n' .. table.concat(scripts, "\n") .. "\n})();" }
local document = markup:gsub("@(%u+)@", PARTS) -- @NONCE@ stays

--- The document with a nonce for its style and script.
---@param nonce string
---@return string
return function(nonce)
  return (document:gsub("@NONCE@", nonce))
end
