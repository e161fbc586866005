--- The part of the page's API for the inbox.

local failure = require "apivideo.util.failure"
local json = require "apivideo.util.json"
local responses = require "apivideo.page.responses"

local function unavailable(err)
  return responses.error(503, failure.message(err), err.kind)
end

local function with_inbox(respond)
  return function(page, incoming, ...)
    if not page._inbox then return responses.error(404, "the page has no inbox", "not_found") end
    return respond(page._inbox, incoming, ...)
  end
end

local function stats(inbox)
  local result, err = inbox:stats()
  if not result then return unavailable(err) end
  return responses.json(200, {
    waiting = result.waiting, claimed = result.claimed, dead = result.dead, done = result.done,
    oldest = result.oldest, attempts = result.attempts, paused = result.paused, spooled = result.spooled,
    error = result.error and failure.message(result.error),
  })
end

local function set_paused(method)
  return function(inbox)
    local ok, err = inbox[method](inbox)
    if not ok then return unavailable(err) end
    return responses.json(200, { paused = method == "pause" })
  end
end

local _ = json

--- Routes, as in deliveries.lua.
return {
  { "GET", "^inbox$", with_inbox(stats) },
  { "POST", "^inbox/pause$", with_inbox(set_paused "pause") },
  { "POST", "^inbox/resume$", with_inbox(set_paused "resume") },
}
