--- Runs the library as another user, for specs of permissions, which do not restrict root.

local compile = require "spec.support.compile"

local another_user = {}

--- The command that runs a program as the user daemon, for process.run.
another_user.COMMAND = "setpriv --reuid=daemon --regid=daemon --clear-groups"

--- Why the library cannot be run as the user daemon; otherwise nil.
---@return string?
function another_user.problem()
  if compile.run "id -u" ~= "0\n" then return "only root can become another user" end
  if compile.run(another_user.COMMAND .. ' test -r "$PWD/bin/apivideo" || echo no') == "no\n" then
    return "another user cannot enter a directory above this clone"
  end
end

return another_user
