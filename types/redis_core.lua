---@meta apivideo.redis.core
--- The module in C for connections to Redis, for editors: src/redis. It is never loaded.

---@class apivideo.redis.core
local core = {}

---@class apivideo.redis.Address
---@field host? string a name or an address; required without `path`
---@field port? integer 1 to 65535; required with `host`
---@field path? string a Unix socket
---@field tls? boolean default false
---@field ca_file? string the trusted certificates; default: the system's
---@field reply_max integer bytes of one reply

--- Starts to connect.
---@param options apivideo.redis.Address
---@return apivideo.redis.Connection|nil connection
---@return string? message
function core.connect(options) end

--- The version of hiredis.
---@return string
function core.version() end

--- A connection that never blocks. A forked child cannot use it.
---@class apivideo.redis.Connection : apivideo.DescriptorList
local Connection = {}

--- Gives a command, which is sent during the next steps. Before the next one, its reply must be read.
---@param word string|number
---@param ... string|number
function Connection:send(word, ...) end

--- Does all that is possible without a wait.
---@return "waiting"|"idle"|"reply"|"error"|nil state nil: the connection is closed
---@return any value the reply, with false for nil; the message of an error of the server; after nil, why it was closed
function Connection:step() end

--- Appends the descriptor to wait for before the next step.
---@param reads integer[]
---@param writes integer[]
---@return number? seconds after which to step in any case
function Connection:list_fds(reads, writes) end

--- Whether an idle connection can be reused: it is open, and has no unread bytes.
---@return boolean
function Connection:is_usable() end

--- Closes the connection. Idempotent.
function Connection:close() end

return core
