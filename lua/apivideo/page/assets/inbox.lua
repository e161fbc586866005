--- The page's script, part 6: the inbox.
return [==[
function setInboxShown() {}
function routeInbox() {}
function onInboxKey() {}
]==]
