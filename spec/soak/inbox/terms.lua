--- Constants of the soak of the inbox.

return {
  METRICS_S = 0.2, -- seconds between two writings of a worker's metrics
  WORK = { concurrency = 4, lease = 1, handler_timeout = 2, max_attempts = 8, backoff = 0.05 },
}
