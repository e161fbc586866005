--- Checks that keep the webhooks of an account where several clients manage them.

local sync, rotate = "spec/resources/webhooks/sync_spec.lua", "spec/resources/webhooks/rotate_spec.lua"
local matching, model = "spec/resources/webhooks/sync_matching_spec.lua", "spec/resources/webhooks/model_spec.lua"

return {
  {
    file = "lua/apivideo/resources/webhooks/definition.lua", spec = matching,
    { "of equal webhooks the oldest stays", "return created_a > created_b", "return created_a < created_b" },
    { "webhooks of one second have no order", "return comes_after(a.webhookId, b.webhookId)", "return true", spec = model },
    { "the scheme's and the host's case counts", "host = ascii.lower(host or authority)", "host = host or authority" },
    { "the default port counts", 'if name and (port == "" or port == DEFAULT_PORTS[scheme]) then host = name end', "" },
    { "what was created may be anything",
      "if not created or not differs(created, wanted) then return created, err, response end",
      "do return created, err, response end" },
    { "a deletion that failed counts", 'if ok or err.kind == "not_found" then return "was deleted again" end',
      'do return "was deleted again" end', spec = rotate },
    { "an empty path counts", 'if rest:sub(1, 1) ~= "/" then rest = "/" .. rest end', "" },
  },
  {
    file = "lua/apivideo/resources/webhooks/sync.lua", spec = matching,
    { "an age may be negative", "math.max(0, now - webhook.created_at(other)) >= overlap", "now - webhook.created_at(other) >= overlap" },
    { "the overlap is cut short", "and math.max(0, now - webhook.created_at(other)) >= overlap then return true end",
      "then return true end" },
    { "any equal webhook supersedes", "if webhook.is_newer(other, item) and", "if other ~= item and webhook.created_at(other) and",
      spec = model },
    { "the local clock counts", "http_date.of_response(response)", "os.time()" },
    { "superseded webhooks take places", "#existing - superseded", "#existing" },
    { "what others deleted stays away", "if ok and #plan.delete > 0 then", "if false then", spec = sync },
  },
  {
    file = "lua/apivideo/resources/webhooks/rotate.lua", spec = rotate,
    { "the new webhook is not looked for", 'if not found and err.kind == "not_found" then', "if false then" },
    { "an unknown outcome is a good one", "elseif not found then", "elseif false then" },
    { "the new webhook may be older", "elseif webhook.is_newer(new, old) == false then", "elseif false then" },
    { "the new webhook may be the old one", "if new.webhookId == old.webhookId then", "if false then" },
    { "nothing waits for the next second", "if seconds <= 0 or seconds > MAX_CLOCK_SKEW_S then return true end",
      "do return true end" },
  },
}
