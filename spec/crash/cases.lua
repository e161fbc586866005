--- All cases of `make test-crash`.

local cluster = require "spec.crash.cluster"
local machines = require "spec.crash.machines"

return function(add, seconds)
  require "spec.crash.kills"(add, seconds)
  require "spec.crash.copies"(add)
  require "spec.crash.outages"(add, seconds)
  cluster.add(add, seconds)
  require "spec.crash.machines_apart"(add, seconds)
  machines.add(add, seconds)
  require "spec.crash.controls"(add)
end
