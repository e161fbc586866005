--- Constants of the account, the processes and the checks.

return {
  API_KEY = "key_of_the_missed_tests",
  CONDITIONS = { "playable", "mp4", "360p", "all" }, -- of on_ready
  EVERY = 1,        -- seconds between two passes
  PASS_LEASE = 3,   -- seconds, instead of three minutes: processes are killed every few seconds
  LOST = 0.3,       -- the share of the deliveries that are never sent
  STEP = 0.2,       -- seconds in which one quality is encoded
  RETRY = 0.5,      -- seconds between two attempts of a delivery
}
