---@meta apivideo.thread.core
--- The module in C for threads with a Lua state of their own, for editors: src/thread. It is never loaded.

---@class apivideo.thread.core
local core = {}

--- Starts a thread. At the first request it loads a Lua module, which returns the handler: a function that is called
--- with the values of each request, and at the end without arguments.
---@param module string
---@param path string for package.path
---@param cpath string for package.cpath
---@param pending_max integer requests whose results have not been taken
---@param bytes_max integer of the values of requests that have not begun, unless there is only one
---@return apivideo.thread.Thread|nil thread
---@return string? message
function core.start(module, path, cpath, pending_max, bytes_max) end

---@class apivideo.thread.Thread
local Thread = {}

--- Sends a request. Raises an error unless all values are nil, booleans, numbers, strings, or tables of these.
---@param ... any
---@return integer|nil id
---@return string? problem "full", or "forked" in a child process
function Thread:send(...) end

--- The next result.
---@return integer|nil id of the request; nil if there is no result now
---@return boolean? ok
---@return any ... the results of the handler, or the text of its error
function Thread:take() end

--- Blocks until there is a result, or no request is pending.
function Thread:wait() end

--- A descriptor that is readable while there is a result.
---@return integer
function Thread:fd() end

--- Blocks until all requests are handled, and the thread has ended. Then no request can be sent.
function Thread:join() end

--- Joins the thread, and frees the results. Idempotent.
function Thread:close() end

return core
