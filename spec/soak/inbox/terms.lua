--- Constants of the soak of the inbox.

return {
  METRICS_S = 0.2, -- seconds between two writings of a worker's metrics
  -- Outages and handlers that hang take longer than the lease; syncs of a loaded disk, which can take a second, do not:
  -- otherwise all attempts of a slow event could be lost.
  WORK = { concurrency = 4, lease = 3, handler_timeout = 4, max_attempts = 8, backoff = 0.05 },
}
