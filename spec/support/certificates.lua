--- A certificate authority for tests, created by openssl in a directory of its own.

local free_port = require "spec.support.free_port"
local temporary = require "spec.support.temporary"
local wait_until_accepting = require "spec.support.accepting"

local Authority = {}
Authority.__index = Authority

--- Runs openssl in the directory.
function Authority:openssl(arguments)
  local status = os.execute(("cd %s && openssl %s > log 2>&1 < /dev/null"):format(self.directory, arguments))
  assert(status == true or status == 0, "openssl " .. arguments)
end

--- The path of a file in the directory.
function Authority:path(name)
  return self.directory .. "/" .. name
end

--- Writes a file into the directory.
function Authority:write(name, text)
  local file = assert(io.open(self:path(name), "w"))
  file:write(text)
  file:close()
end

--- Creates name.key, and name.crt with a subject alternative name ("IP:127.0.0.1").
function Authority:issue(name, alternative)
  self:write(name .. ".ext", "subjectAltName=" .. alternative .. "\n")
  self:openssl(("req -newkey rsa:2048 -nodes -keyout %s.key -out %s.csr -subj /CN=%s"):format(name, name, name))
  self:openssl(("x509 -req -in %s.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile %s.ext -out %s.crt")
    :format(name, name, name))
end

--- Creates name.crt for the key of "good", which must have been issued. The extensions have
--- the syntax of openssl's files.
---@param more? { signer?: string, subject?: string, from?: string, to?: string, key?: string }
---  defaults: "ca"; /CN=name; today; 2099; "good"
function Authority:certify(name, extensions, more)
  more = more or {}
  local signer, key = more.signer or "ca", more.key or "good"
  self:write(name .. ".ext", extensions .. "\n")
  self:write("ca.conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nserial=serial\npolicy=p\n"
    .. "[p]\ncommonName=supplied\n")
  self:write("index", "")
  self:openssl(("req -new -key %s.key -out %s.csr -subj %s"):format(key, name, more.subject or "/CN=" .. name))
  self:openssl(("ca -batch -notext -config ca.conf -cert %s.crt -keyfile %s.key -rand_serial -md sha256 -in %s.csr"
    .. " -startdate %s -enddate %s -extfile %s.ext -out %s.crt")
    :format(signer, signer, name, more.from or os.date("!%Y%m%d000000Z"), more.to or "20991231000000Z", name, name))
end

--- Starts `openssl s_server -www` with some arguments, in the directory.
---@param arguments string
---@return integer port
function Authority:serve(arguments)
  local port = free_port()
  os.execute(("cd %s && { openssl s_server -quiet -accept 127.0.0.1:%d -www %s > s_server.log 2>&1 < /dev/null &"
    .. " echo $! >> pids; }"):format(self.directory, port, arguments))
  wait_until_accepting(port, "openssl s_server")
  return port
end

--- Ends the processes in the file `pids`, and removes the directory.
function Authority:remove()
  os.execute(("kill $(cat %s/pids 2> /dev/null) 2> /dev/null; rm -rf %s"):format(self.directory, self.directory))
end

local certificates = {}

--- Creates an authority: ca.crt and ca.key.
function certificates.new()
  local directory = temporary.directory()
  local self = setmetatable({ directory = directory }, Authority)
  self:openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca")
  return self
end

return certificates
