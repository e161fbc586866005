--- What the sender, the processes and the checks agree on.

return {
  SECRET = "sig_sec_of_the_crash_tests",
  LEASE = 1,        -- seconds
  BACKOFF = 0.05,   -- seconds before the second attempt
  ATTEMPTS = 1000,  -- so that no event is given up
  FAILURES = 0.05,  -- of handlers, that do nothing and fail
  SLOW = 0.03,      -- of handlers, that take longer than the lease lasts without a heartbeat
}
