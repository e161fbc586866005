--- Checks that keep the webhooks of an account where several clients manage them.

local sync, rotate = "spec/resources/webhooks/sync_spec.lua", "spec/resources/webhooks/rotate_spec.lua"
local matching, model = "spec/resources/webhooks/sync_matching_spec.lua", "spec/resources/webhooks/model_spec.lua"

return {
  {
    file = "lua/apivideo/resources/webhooks/private_url.lua", spec = "spec/resources/webhooks/private_url_spec.lua",
    { "hexadecimal parts are names", "if hex then return", "if false then return" },
    { "octal parts are decimal", "if octal then return", "if false then return" },
    { "a part may be too large", "if numbers[i] >= (i < count and 256 or 256 ^ (5 - count)) then return nil end", "" },
    { "the last part is one byte", "256 ^ (5 - count)", "256" },
    { "mapped addresses are public", "(groups[6] == 0 or groups[6] == 0xffff)", "groups[6] == 0" },
    { "any IPv6 address is one of IPv4", "if groups[i] ~= 0 then return nil end", "" },
    { "a dotted end is not read", 'if before and last:find(".", 1, true) then', "if false then" },
    { "the zone is part of the address", [=["^%[([^%]%%]*)"]=], [=["^%[([^%]]*)"]=] },
    { "escaped hosts are names", [[:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)]], "" },
    { "a final dot makes it public", [[:gsub("%.$", "")]], "" },
    { "the user is the host", [[local host = authority:gsub("^.*@", "")]], "local host = authority" },
    { "a backslash is ignored", [[if authority:find("\\", 1, true) then]], "if false then" },
    { "case counts", "  host = ascii.lower(host)\n", "" },
    { "a name needs no domain", 'return name ~= "" and not name:find(".", 1, true) and', "return false and" },
    { "a local api.video rejects local urls", "if not kind or private_url.kind(base_url) then return end",
      "if not kind then return end" },
  },
  {
    file = "lua/apivideo/resources/webhooks/init.lua", spec = "spec/resources/webhooks/private_url_spec.lua",
    { "create accepts any url", "if not limits.allow_private then private_url.check", "if false then private_url.check" },
    { "sync accepts any url", "ipairs(options.allow_private and {} or webhooks)", "ipairs {}" },
  },
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
