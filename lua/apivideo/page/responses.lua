--- The responses of the page. Each forbids what the page does not need: scripts of others, frames, caches, referrers.

local html = require "apivideo.page.html"
local json = require "apivideo.util.json"
local random = require "apivideo.util.random"
local tables = require "apivideo.util.tables"
local utf8 = require "apivideo.util.utf8"

local NONCE_BYTES = 16

local COMMON = {
  ["Cache-Control"] = "no-store",
  ["Cross-Origin-Opener-Policy"] = "same-origin",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Referrer-Policy"] = "no-referrer",
  ["X-Content-Type-Options"] = "nosniff",
  ["X-Frame-Options"] = "DENY",
  ["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}

-- Trusted types are an error wherever the script would turn a text into markup.
local PAGE_POLICY = "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self';"
  .. " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script';"
  .. " trusted-types 'none'"

local responses = {}

--- A response with JSON. Bytes of others that are not text become U+FFFD.
---@param status integer
---@param value table
---@return integer status
---@return table<string, string> headers
---@return string body
function responses.json(status, value)
  return status, tables.merge(COMMON, { ["Content-Type"] = "application/json" }),
    utf8.repaired(assert(json.encode(value)))
end

--- A response with bytes, which browsers do not interpret.
---@param bytes string
---@return integer status
---@return table<string, string> headers
---@return string body
function responses.bytes(bytes)
  return 200, tables.merge(COMMON, { ["Content-Type"] = "application/octet-stream" }), bytes
end

--- A response with text.
---@param status integer
---@param text string
---@return integer status
---@return table<string, string> headers
---@return string body
function responses.text(status, text)
  return status, tables.merge(COMMON, { ["Content-Type"] = "text/plain; charset=utf-8" }), utf8.repaired(text)
end

--- A response with an error.
---@param status integer
---@param message string
---@param kind? apivideo.ErrorKind default `invalid_request`
---@return integer status
---@return table<string, string> headers
---@return string body
function responses.error(status, message, kind)
  return responses.json(status, { error = { kind = kind or "invalid_request", message = message } })
end

--- The page.
---@return integer status
---@return table<string, string> headers
---@return string body
function responses.page()
  local nonce = random.hex(NONCE_BYTES)
  return 200, tables.merge(COMMON, {
    ["Content-Type"] = "text/html; charset=utf-8",
    ["Content-Security-Policy"] = PAGE_POLICY:format(nonce, nonce),
  }), html(nonce)
end

return responses
