--- Checks of the command's arguments.

return {
  {
    file = "lua/apivideo/init.lua", spec = "spec/project/facade_spec.lua",
    { "any name is a module", "if not SERVER_MODULES[name] then", "if false then" },
    { "a misspelt member is nil", "if problem then error(problem, 2) end", "" },
    { "a missing rock is not named", [[if problem:find("module 'apivideo%.[%w_.]+' not found") then]], "if false then" },
    { "a missing library is not named", 'elseif problem:find("libmicrohttpd", 1, true) then', "elseif false then" },
    { "the server is loaded at once", "local MODULES = {", 'require "apivideo.server"; local MODULES = {' },
    { "the client is loaded at once", "local MODULES = {", 'require "apivideo.client"; local MODULES = {' },
    { "nginx loads at the first use", "if host.ngx then", "if false then", spec = "spec/nginx/phases_spec.lua" },
  },
  {
    file = "lua/apivideo/util/members.lua", spec = "spec/project/facade_spec.lua",
    { "names of metadata are misspelt members", 'and name:sub(1, 1) ~= "_"', "" },
    { "a method is a misspelt member", 'if type(class[name]) == "function" then', "if false then" },
  },
  {
    file = "lua/apivideo/cli/failure.lua", spec = "spec/project/canary_output_spec.lua",
    { "an error message contains the keys of the arguments", "redact.text(tostring(message), secrets_of(arguments))", "redact.text(tostring(message))" },
    { "a usage error names the help of all subcommands", '"See: ", (lookup.path_of(arguments))', '"See: apivideo"', spec = "spec/cli/command_spec.lua" },
  },
  {
    file = "lua/apivideo/cli/init.lua", spec = "spec/cli/command_spec.lua",
    { "a negative number is an unknown option", 'text:find "^%-%.?[0-9]"', "false" },
  },
  {
    file = "lua/apivideo/cli/misuse.lua", spec = "spec/cli/frame_spec.lua",
    { "a bug is a usage error", "raiser.func == error and not is_of_lua(message)", "true" },
    { "a bug in a task is a usage error", " and not is_of_lua(message)", "" },
    { "misuse is a bug", "raiser.func == error", "false" },
  },
  {
    file = "lua/apivideo/cli/usage.lua", spec = "spec/cli/frame_spec.lua",
    { "the commands are not named", 'if problem == "a command is required" then', "if false then" },
    { "an unexpected argument is ignored", "return nil, (\"unexpected", "return (\"unexpected" },
  },
  {
    file = "lua/apivideo/cli/doctor/account.lua", spec = "spec/cli/doctor_account_spec.lua",
    { "a key is sent beside the base_url", "if options.base_url then return nil end", "" },
    { "any clock agrees", "math.abs(skew) <= MAX_SKEW_S", "true" },
    { "any secret is one of the account", "webhook.signatureSecret == secret", "true" },
    { "private URLs are fine", "    if kind then\n", "    if false then\n" },
  },
  {
    file = "lua/apivideo/cli/doctor/libraries.lua", spec = "spec/cli/doctor_machine_spec.lua",
    { "any version is new enough", "return other < tonumber(number)", "return false" },
    { "a missing store library is fine", "if place and place.sqlite then", "if false then" },
  },
  {
    file = "lua/apivideo/cli/doctor/store.lua", spec = "spec/cli/doctor_machine_spec.lua",
    { "others may change the file", "mode % 4 >= 2", "false" },
    { "a newer schema is fine", "facts.oldest > facts.newest", "false" },
    { "Redis may lose events", "if facts.has_append_only_file then", "if true then" },
    { "each appendfsync is safe", 'elseif append_fsync == "always" then', "elseif true then" },
  },
  {
    file = "lua/apivideo/cli/inbox/switch.lua", spec = "spec/cli/inbox_spec.lua",
    { "a type that was not paused is resumed", "return #(after.paused_types or {}) < #(before.paused_types or {})", "return true" },
  },
  {
    file = "lua/apivideo/cli/trigger.lua", spec = "spec/cli/trigger_spec.lua",
    { "the last delivery decides the status", "math.max(result, status)", "status" },
    { "there is no pause", "if i > 1 then runtime.sleep(pause) end", "" },
  },
  {
    file = "lua/apivideo/cli/trigger_modes.lua", spec = "spec/cli/trigger_spec.lua",
    { "options of --to are ignored with --through", "if name then return (\"%s needs --to", "if false then return (\"%s needs --to" },
    { "a key is ignored with --to", "if arguments.api_key then", "if false then" },
    { "an interval is ignored with one attempt", "arguments.max_attempts or trigger_delivery.DEFAULTS.max_attempts)", "2)" },
    { "a pause is ignored with one event", "if arguments.pause and is_single then", "if false then" },
    { "fields are ignored with --data", "local name = first_given(arguments, NOT_WITH_DATA)", "local name = nil" },
  },
  {
    file = "lua/apivideo/cli/trigger_events.lua", spec = "spec/cli/trigger_spec.lua",
    { "a misspelled field is sent silently", 'if is_unknown and option == "set" then', "if false then" },
    { "a pattern is a type", 'elseif name:find("*", 1, true) then', "elseif false then" },
    { "events in reverse order have the dates of the other order", "is_reversed and now - (#list - i) * math.max(pause, REORDERED_MIN_S) or", "" },
    { "a field is set in events that do not have it", "if next(selected) then return selected end", "selected = {}" },
  },
  {
    file = "lua/apivideo/cli/trigger_delivery.lua", spec = "spec/cli/trigger_spec.lua",
    { "an invalid request is a failed delivery", 'attempt.err.kind == "invalid_request" and attempt.err', "false" },
    { "--insecure verifies the certificate", "insecure = arguments.insecure },", "},", spec = "spec/cli/trigger_delivery_spec.lua" },
  },
  {
    file = "lua/apivideo/cli/assignments.lua", spec = "spec/cli/assignments_spec.lua",
    { "a large number is a string", [[elseif type(value) == "string" and not text:find '^%s*"' then]], "elseif false then" },
    { "the event is changed", "local changed = tables.merge(event)", "local changed = event" },
  },
  {
    file = "lua/apivideo/cli/near_miss.lua", spec = "spec/cli/verify_spec.lua",
    { "a newline at the end is not found", [[gsub("\r?\n$", "")]], [[gsub("\r\n$", "")]] },
    { "a malformed signature has no reason", 'if #hex ~= HEX_BYTES or hex:find "%X" then', "if false then" },
  },
  {
    file = "lua/apivideo/cli/authority.lua", spec = "spec/cli/authority_spec.lua",
    { "any port is valid", "number <= MAX_PORT", "true" },
    { "any number is an IPv4 address", "and not is_ipv4(name)", "and false" },
    { "a name has any byte", "if byte then", "if false then" },
  },
  {
    file = "lua/apivideo/cli/listen/options.lua", spec = "spec/cli/command_spec.lua",
    { "an environment is ignored without a key", "if not other or not name then", "if true then" },
  },
  {
    file = "lua/apivideo/cli/listen/account.lua", spec = "spec/cli/listen_spec.lua",
    { "a wrong key is not noticed at the start", "if not session.client then return nil end", "if true then return nil end" },
  },
  {
    file = "lua/apivideo/cli/listen/reception.lua", spec = "spec/cli/listen_spec.lua",
    { "a rejected delivery is forwarded", "settings.forward_to and not outcome.err and", "settings.forward_to and" },
    { "an event that is not selected is forwarded", "not outcome.err and exchange.is_selected then", "not outcome.err then" },
    { "a failure of the file does not end the command", "settings.on_failure(", "tostring(" },
  },
  {
    file = "lua/apivideo/cli/listen/records.lua", spec = "spec/cli/listen_webhook_spec.lua",
    { "the webhook of a running process is deleted", "and not is_listening(record.pid)", "" },
    { "a webhook of another API is deleted", "record.base_url == base_url and", "", spec = "spec/cli/listen_records_spec.lua" },
    { "two processes claim the same webhook", "if not is_left(own, base_url) then", "if false then", spec = "spec/cli/listen_records_spec.lua" },
    { "the id of a process is trusted", 'return not line or line:find "%zlisten%z" ~= nil', "return true" },
  },
  {
    file = "lua/apivideo/cli/listen/public_webhook.lua", spec = "spec/cli/listen_webhook_spec.lua",
    { "a webhook of the account's owner is deleted", "if not webhook.is_own then return true end", "" },
    { "what a killed process has left stays", "if not records.claim(webhook.webhookId, client.base_url) then", "if true then" },
  },
  {
    file = "lua/apivideo/cli/listen/tunnel.lua", spec = "spec/cli/listen_tunnel_spec.lua",
    { "a tunnel to another machine is taken", 'LOOPBACK[host] or host:find "^127%." ~= nil', "true" },
  },
  {
    file = "lua/apivideo/cli/resend.lua", spec = "spec/cli/resend_spec.lua",
    { "a changed body has the old signature", "if secret then headers[SIGNATURE]", "if false then headers[SIGNATURE]" },
  },
  {
    file = "lua/apivideo/cli/url.lua", spec = "spec/cli/url_spec.lua",
    { "a URL may lack its host", 'host == ""', "false" },
    { "a URL may contain a space", 'text:find "[%z\\1-\\32\\127]"', "false" },
    { "a path is suggested as a host", "or not start and #slashes == 1", "" },
  },
  {
    file = "lua/apivideo/cli/credential.lua", spec = "spec/cli/command_spec.lua",
    { "a secret may end in a newline", "if problem then return nil", "if false then return nil" },
    { "an empty key is accepted", 'text == ""', "false" },
  },
  {
    file = "lua/apivideo/cli/settings.lua", spec = "spec/cli/settings_spec.lua",
    { "a key is sent to the URL of another", "if not key then key, source = profile.api_key, profile end", "source = profile if not key then key = profile.api_key end" },
    { "the environment precedes --profile", "if not key and not arguments.profile then", "if not key then" },
  },
  {
    file = "lua/apivideo/cli/config.lua", spec = "spec/cli/settings_spec.lua",
    { "others may read the file", "if mode % 64 ~= 0 then", "if false then" },
    { "a pipe blocks the command", "if not is_regular then", "if false then" },
  },
  {
    file = "lua/apivideo/cli/lua_table.lua", spec = "spec/cli/settings_spec.lua",
    { "a text is a table", 'if type(value) ~= "table" then', "if false then" },
    { "a text runs forever", '"", MAX_INSTRUCTIONS)', '"", 0)' },
    { "bytecode is run", 'if text:sub(1, 1) == "\\27" then', "if false then" },
  },
  {
    file = "lua/apivideo/cli/json_line.lua", spec = "spec/cli/json_line_spec.lua",
    { "members have no order", "table.sort(names)", "" },
    { "any bytes are in the output", "utf8.repaired(text):gsub", "text:gsub" },
    { "numbers have 17 digits", '"%.14g"', '"%.17g"' },
  },
  {
    file = "src/core/system_lua.c", spec = "spec/core/system_spec.lua",
    { "every file is ours", "status.st_uid == geteuid()", "1" },
    { "a link's own mode is returned", "if (stat(path, &status) != 0) {", "if (lstat(path, &status) != 0) {" },
    { "a pipe is a regular file", "S_ISREG(status.st_mode)", "1" },
    { "others can read a new file", "fchmod(fd, S_IRUSR | S_IWUSR)", "fchmod(fd, 0644)" },
    { "a file is replaced", "O_CREAT | O_EXCL", "O_CREAT | O_TRUNC" },
    { "others can enter a new directory", "mkdir(path, S_IRWXU)", "mkdir(path, 0755)" },
    { "any process exists", "kill((pid_t)id, 0) == 0 ||", "id > 0 ||" },
  },
  {
    file = "src/cli/cli_lua.c", spec = "spec/cli/core_spec.lua",
    { "a terminal without a width has 0 columns", " && size.ws_col > 0", "" },
  },
}
