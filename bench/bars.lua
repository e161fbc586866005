--- The rows of `make bench`: what each is measured beside, and its bar. `beside` is the floor of the same work where
--- there is one; `of` is the unit of the figure that the bar applies to.

---@class apivideo.bench.Bar
---@field beside string|nil
---@field of string
---@field at_least number|nil
---@field at_most number|nil

---@type table<string, apivideo.bench.Bar>
return {
  -- parsing and verification
  parse_tables = { beside = "the same tables in C, without reading", of = "%", at_least = 80 },
  parse_small = { beside = "cjson.decode", of = "×", at_least = 2 },
  parse_other = { beside = "cjson.decode", of = "×" },
  receive = { beside = "cjson.decode and HMAC", of = "× the time", at_most = 1.25 },
  verify_small = { beside = "libcrypto and an empty C call", of = "ns more", at_most = 100 },
  verify_large = { beside = "libcrypto", of = "%", at_least = 95 },
  dispatch = { beside = "1 handler", of = "×", at_most = 1.2 },

  -- signed deliveries
  nginx_delivery = { beside = "two headers, HMAC and parse in one C call, 204", of = "%", at_least = 85 },
  nginx_octokit = { beside = "@octokit/webhooks", of = "×", at_least = 5 },
  standalone_jit = { beside = "the empty server, HMAC and parse", of = "%", at_least = 95 },
  standalone_lua = { beside = "the empty server, HMAC and parse", of = "%", at_least = 80 },
  standalone_octokit = { beside = "@octokit/webhooks", of = "×", at_least = 3 },
  nginx_growth = { of = "kB", at_most = 1024 },
  nginx_lost = { of = "", at_most = 0 },

  -- the inbox
  durable = { beside = "delivery and a C transaction of 32", of = "%", at_least = 85 },
  handled = { beside = "the same with claim and completion in C", of = "%", at_least = 80 },
  static_durable = { beside = "idle", of = "ms", at_most = 2 },
  backlog = { beside = "empty", of = "×", at_most = 2 },
  inbox_growth = { of = "kB", at_most = 4096 },
  workers = { of = "/s" },
  workers_redis = { of = "µs" },
  workers_worker = { of = "µs" },
  workers_limit = { of = "/s" },

  -- calls
  static_calls = { beside = "idle", of = "×", at_most = 2 },
  call = { beside = "libcurl in C", of = "ms more", at_most = 1 },
  call_latest = { beside = "the latency", of = "ms more", at_most = 3 },
  call_cost = { of = "ms", at_most = 1.5 },
  nginx_tls = { beside = "the same in a script", of = "ms more", at_most = 0.5 },
  call_jit = { beside = "libcurl in C", of = "µs more", at_most = 25 },
  call_lua = { beside = "libcurl in C", of = "µs more", at_most = 35 },
  transport = { beside = "libcurl in C", of = "%", at_least = 95 },
  call_node = { beside = "api.video's Node client", of = "×", at_least = 4 },
  burst = { beside = "ideal", of = "×", at_most = 1.08 },
  tls = { of = "ms", at_most = 2 },

  -- memory: 25 % above what it was, so that growth is detected
  memory_client = { of = "kB", at_most = 8 },
  memory_call = { of = "kB", at_most = 24 },
  memory_new_connection = { of = "kB", at_most = 6 },
  memory_connection = { of = "kB", at_most = 21 },
  memory_event = { of = "kB", at_most = 2.3 },
  memory_growth = { of = "MB", at_most = 1 },

  -- start
  start_require = { beside = 'require "cjson"', of = "ms", at_most = 10 },
  start_help = { beside = 'require "argparse"', of = "×", at_most = 1.5 },
  start_threads = { of = "", at_most = 1 },
  start_network = { of = "", at_most = 0 },

  -- exponents: 0 is constant, 1 is linear
  growth_bytes = { beside = "cjson.decode", of = "more", at_most = 0.1 },
  growth_flat = { of = "", at_most = 0.1 },
}
