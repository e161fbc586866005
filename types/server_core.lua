---@meta apivideo.server.core
--- The server's module in C, for editors: src/server. It is never loaded.

---@class apivideo.server.core
local core = {}

--- Creates a server that listens.
---@param host string a numeric address or a name
---@param port integer 0: any free port
---@param max_body integer bytes
---@param timeout integer seconds
---@param max_connections integer
---@return apivideo.server.Core|nil server
---@return string? message
function core.new(host, port, max_body, timeout, max_connections) end

--- The version of libmicrohttpd.
---@return string
function core.version() end

--- A listening server.
---@class apivideo.server.Core : apivideo.DescriptorList
local Core = {}

--- Closes the server and its connections. Idempotent.
function Core:close() end

--- The descriptor to wait for; on systems with epoll only.
---@return integer fd -1 once the server is closed
function Core:fd() end

--- Appends the descriptors to wait for; on systems without epoll only.
---@param reads integer[]
---@param writes integer[]
---@return number? seconds the timeout of the wait
function Core:list_fds(reads, writes) end

--- The address that it listens on.
---@return string host numeric
---@return integer port
function Core:address() end

--- One iteration: receives and sends what is possible without waiting.
---@return boolean? is_ready whether requests are ready; nil once the server is closed
function Core:run() end

--- Takes the next request from the queue.
---@return integer? id nil: the queue is empty
---@return string? method
---@return string? target the raw request-target
---@return table<string, string|string[]>? headers by name in lower case
---@return string? body
---@return string? peer the numeric address of the client
---@return boolean? more whether further requests are ready
function Core:next() end

--- Sends the response of a request.
---@param id integer
---@param status integer 200 to 599
---@param headers? table<string, string>
---@param body? string
---@return boolean sent whether the request still existed
function Core:respond(id, status, headers, body) end

--- Sends bytes instead of a response, and ends the connection.
---@param id integer
---@param bytes string
---@param ending apivideo.Ending
---@return boolean sent whether the request still existed
function Core:cut(id, bytes, ending) end

--- Closes the next connections right after accepting them.
---@param connections number how many more; math.huge: all; 0: no more
function Core:refuse(connections) end

--- Closes the listening socket.
function Core:stop_accepting() end

--- The number of requests, from their header sections to the ends of their responses.
---@return integer
function Core:active() end

return core
