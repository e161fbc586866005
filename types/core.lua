---@meta apivideo.core
--- The module in C, for editors: src/core. It is never loaded.

---@class apivideo.core
---@field http apivideo.core.http loaded at the first use
---@field json apivideo.core.json
---@field event apivideo.core.event
---@field signature apivideo.core.signature
---@field signals apivideo.core.signals
---@field wake apivideo.core.wake
local core = {}

--- The time.
---@return number seconds since 1970, with a fraction
function core.now() end

--- A clock that never decreases.
---@return number seconds since an unspecified start
function core.monotonic() end

--- Random bytes of libcrypto.
---@param n integer how many, 256 at most
---@return string bytes
function core.random(n) end

--- Base64 (RFC 4648), with padding.
---@param bytes string 1 MiB at most
---@return string text
function core.base64(bytes) end

--- The values of a header. The names in the table may have any case, and an array of values may begin at 0.
---@param list table<string, string|string[]> metamethods are ignored
---@param name string
---@return string? value the first
---@return integer count of the values
function core.header(list, name) end

--- Whether the running coroutine may yield here: no C function on its stack prevents that.
---@return boolean? is_yieldable nil where this Lua cannot tell: Lua 5.1 and 5.2
function core.is_yieldable() end

--- The id of this process. An object that was opened under another id was inherited by fork.
---@return integer
function core.process_id() end

--- Whether a process has this id.
---@param id integer
---@return boolean
function core.process_exists(id) end

--- Creates an empty file that only its owner can use.
---@param path string it must not exist
---@return true|nil is_created
---@return string? message
function core.create_file(path) end

--- Creates a directory that only its owner can use.
---@param path string it must not exist
---@return true|nil is_created
---@return string? message
function core.create_directory(path) end

--- Identifies the file at a path.
---@param path string
---@return string? id equal for two paths of the same file; nil if the file does not exist or cannot be examined
function core.file_id(path) end

--- The permissions of a file, and whether it is ours. Follows symbolic links, and does not open the file.
--- `mode % 64 == 0` when neither its group nor others have any permission.
---@param path string
---@return integer|nil mode permissions, setuid, setgid and sticky bits, as a number: 384 is 0600
---@return boolean|string owned whether the effective user of this process owns it; after nil, the message
---@return boolean|integer is_regular whether it is a regular file; after nil, the errno
function core.file_mode(path) end

--- The free space of a file system.
---@param path string of any file or directory in it
---@return number|nil bytes that an unprivileged process can still write
---@return string? message
function core.free_bytes(path) end

--- The absolute path of a file that exists, without symbolic links.
---@param path string
---@return string|nil
---@return string? message
function core.real_path(path) end

--- The name of the effective user of this process; the number of one without a name.
---@return string
function core.user() end

--- The name of the user that a file belongs to; the number of one without a name.
---@param path string
---@return string|nil
---@return string? message
function core.owner(path) end

--- Whether a path is a directory.
---@param path string
---@return boolean
function core.is_directory(path) end

--- The kind of a file system that other machines may use, or that a program in user space implements, such as "NFS".
---@param path string of any file or directory in it
---@return string? name nil: a local one, or the system does not tell
function core.network_file_system(path) end

--- Reads a date of RFC 3339.
---@param value any
---@return integer? seconds since 1970; nil for anything but such a date
---@return integer? nanoseconds
function core.timestamp(value) end

-- ---- http ----

---@class apivideo.core.http
local http = {}

--- Creates a pool of connections.
---@return apivideo.core.Pool|nil pool
---@return string? message
function http.new() end

---@class apivideo.core.Libraries
---@field libcurl string such as "7.88.1"
---@field tls? string the TLS library of libcurl, such as "OpenSSL/3.0.15"
---@field openssl string libcrypto, such as "OpenSSL 3.0.15 3 Sep 2024"
---@field ca_file? string the certificates that libcurl was built to trust

--- The libraries that the modules are linked with, as they are at run time.
---@return apivideo.core.Libraries
function http.libraries() end

--- The connections of one process, and their transfers. A forked child cannot use it.
---@class apivideo.core.Pool
local Pool = {}

--- Starts a transfer.
---@param request apivideo.Request with `timeout`, `connect_timeout`, `max_body` and `max_header`
---@return apivideo.core.Transfer|nil transfer
---@return string? kind `invalid_request` `network` `cancelled`
---@return string? message
---@return boolean? sent false: nothing was sent
function Pool:start(request) end

--- Drives all transfers until one finishes, a descriptor is ready, or the timeout is over.
---@param seconds number timeout, an hour at most
---@param reads? integer[] descriptors to wait for until they are readable
---@param writes? integer[] descriptors to wait for until they are writable
---@return apivideo.core.Transfer[]? finished
---@return integer[]? ready descriptors
---@return boolean is_active whether a descriptor of libcurl was ready
function Pool:step(seconds, reads, writes) end

--- Adds the connections of this pool to the set of descriptors of a wake: those that are open, and later ones.
---@param fd integer as of the wake's `fd`
function Pool:watch(fd) end

--- When a pool that a thread watches needs a step, although no connection becomes ready.
---@return number? seconds nil: it has no transfer
function Pool:timeout() end

--- Whether another process opened the pool.
---@return boolean
function Pool:forked() end

--- Closes the pool and its transfers. Idempotent.
function Pool:close() end

--- A request and its response.
---@class apivideo.core.Transfer
local Transfer = {}

--- The result of a finished transfer, which is closed then: a response is returned once.
---@return apivideo.Response|nil response nil alone: the transfer is running
---@return string? kind of the error, as in `apivideo.ErrorKind`
---@return string? message
---@return boolean? sent whether any part of the request may have reached the peer
function Transfer:result() end

--- Stops the transfer: its result is the error `cancelled`. Idempotent.
function Transfer:cancel() end

-- ---- json, event ----

---@class apivideo.core.json
---@field list table the metatable of lists, which only marks them
local json = {}

--- Decodes JSON (RFC 8259): lists have the metatable `list`, and null is a light userdata.
---@param text string
---@return any value nil if the text is invalid
---@return string? message
---@return integer? offset of the invalid byte, from 0
function json.decode(text) end

---@class apivideo.core.event
local event = {}

--- Creates the parser of a catalogue's events.
---@param types table<string, apivideo.EventType> only `required` is read
---@return fun(raw: string): apivideo.Event|nil, string?, string?, string?, integer? parse event; or nil, kind (`bad_json` `bad_event` `too_large`), message, field or nil, offset or nil
function event.compile(types) end

-- ---- signature ----

---@class apivideo.core.signature
local signature = {}

--- Calculates the signature of a delivery: HMAC-SHA256 of the raw body.
---@param raw string
---@param secret string not empty
---@return string hex 64 lower-case digits
function signature.sign(raw, secret) end

--- Compares a signature in constant time.
---@param raw string
---@param hex any as received
---@param secret string|string[] one secret, or a list of secrets, any of which may match
---@return boolean is_valid
---@return "missing"|"malformed"|"mismatch"|nil reason
function signature.verify(raw, hex, secret) end

--- Creates an HMAC that reads its bytes in parts.
---@param secret string not empty
---@return apivideo.core.Hmac
function signature.hmac(secret) end

--- An HMAC; `sign` and `verify` finish it.
---@class apivideo.core.Hmac
local Hmac = {}

--- Adds bytes.
---@param bytes string
---@return apivideo.core.Hmac self
function Hmac:update(bytes) end

--- The signature.
---@return string hex 64 lower-case digits
function Hmac:sign() end

--- Compares a signature in constant time.
---@param hex any as received
---@return boolean is_valid
---@return "missing"|"malformed"|"mismatch"|nil reason
function Hmac:verify(hex) end

-- ---- signals ----

---@class apivideo.core.signals
local signals = {}

--- Catches SIGINT and SIGTERM.
---@return apivideo.core.Catcher|nil catcher
---@return string? message
function signals.catch() end

--- What catches SIGINT and SIGTERM, until it is closed.
---@class apivideo.core.Catcher
local Catcher = {}

--- The descriptor to wait for.
---@return integer
function Catcher:fd() end

--- Whether a signal was caught since the last call.
---@return boolean? caught nil once it is closed, and in a forked child
function Catcher:caught() end

--- Restores the previous signal handlers. Idempotent.
function Catcher:close() end

-- ---- threads that wake an event loop ----

---@class apivideo.core.wake
local wake = {}

--- Opens a UNIX socket, in a new directory that only this user can access.
---@return apivideo.core.Wake|nil wake
---@return string? message
function wake.new() end

--- A thread that wakes an event loop by a byte, over a UNIX socket to which the loop has connected. It sends none between
--- a byte and the next `take`.
---@class apivideo.core.Wake
local Wake = {}

--- The UNIX socket to connect to.
---@return string
function Wake:path() end

--- Accepts the connection, removes the socket's file and directory, and starts the thread.
---@return true|nil is_connected
---@return string? message after it, the wake is closed
function Wake:accept() end

--- The descriptor of its set of descriptors.
---@return integer
function Wake:fd() end

--- Sends a byte whenever a descriptor becomes readable: not again as long as it stays so.
---@param fd integer
---@return boolean is_watched
function Wake:watch(fd) end

---@param fd integer
function Wake:unwatch(fd) end

--- Sends a byte after a time, instead of after that of the last call.
---@param seconds number above 0, a day at most
function Wake:arm(seconds) end

--- Sends a byte.
function Wake:notify() end

--- To be called when a byte has arrived, before looking for what is ready.
function Wake:take() end

--- Ends the thread. Idempotent.
function Wake:close() end

core.http, core.json, core.event, core.signature, core.signals = http, json, event, signature, signals
core.wake = wake

return core
