--- Mounts for tests, in a mount namespace of their own.

local compile = require "spec.support.compile"

local mounting = {}

--- Why a process of a test cannot mount anything here, or nil. In a chroot the root is no mount, so that the namespace
--- cannot be made private.
function mounting.missing()
  local output = compile.run "unshare -m true 2>&1"
  return output ~= "" and "no mount namespace: " .. output:gsub("\n.*", "") or nil
end

return mounting
