--- Constants of the sender, the processes and the checks.

return {
  SECRET = "sig_sec_of_the_crash_tests",
  LEASE = 1,        -- seconds
  BACKOFF = 0.05,   -- seconds before the second attempt
  ATTEMPTS = 1000,  -- so that no event becomes a dead letter
  FAILURES = 0.05,  -- the share of handlers that have no effect and fail
  SLOW = 0.03,      -- the share of handlers that take longer than the lease without a heartbeat
}
