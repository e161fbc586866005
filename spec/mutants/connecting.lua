--- Mutants of the clients of Redis: hiredis in scripts, lua-resty-redis in nginx.

local CONNECTION, REPLIES, TLS = "spec/redis/connection_spec.lua", "spec/redis/replies_spec.lua", "spec/redis/tls_spec.lua"
local TASKS, NGINX = "spec/inbox/redis_tasks_spec.lua", "spec/inbox/redis_nginx_clients_spec.lua"

return {
  {
    file = "src/redis/connection.c", spec = CONNECTION,
    { "a connection with a part of a reply is reused", "|| self->is_pending || replies_is_partial(&self->replies))", "|| self->is_pending)", spec = REPLIES },
    { "a connection whose reply is late is reused", "|| self->is_pending || replies_is_partial", "|| replies_is_partial" },
    { "a closed connection is reused", "return read_some(self, &byte, 1) == 0;", "(void)byte; return true;" },
    { "the child uses the connection of its parent", "if (self->state != CONNECTION_CLOSED && self->process != getpid())", "if (false)" },
    { "the end of the stream is no reason to close", "return count > 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;", "return count > 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK || errno == 0 ? 0 : -1;" },
    { "the rest of a large command is not sent", "if (self->output_sent < self->output_len) continue;", "" },
  },
  {
    file = "src/redis/replies.c", spec = REPLIES,
    { "a reply is of any size", [[if (len > self->bytes_max - self->bytes) return "the reply is too large";]], "" },
    { "an array is of any size", "if ((size_t)count > ELEMENTS_MAX - self->elements)", "if (false)" },
    { "the arrays of a reply are limited one by one", "self->elements += (size_t)count;", "" },
    { "the limit is for all replies together", "self->bytes = self->reader->len - self->reader->pos;", "", spec = CONNECTION },
  },
  {
    file = "src/redis/tls.c", spec = TLS,
    { "any certificate is trusted", "SSL_CTX_set_verify(self->context, SSL_VERIFY_PEER, NULL);", "SSL_CTX_set_verify(self->context, SSL_VERIFY_NONE, NULL);" },
    { "the name of the host is not checked", "SSL_set1_host(self->session, name) == 1", "true" },
    { "the address of the host is not checked", "return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(self->session), host) == 1;", "return true;" },
    { "the authority of the option is not used", "if (ca_file != NULL && SSL_CTX_load_verify_locations(self->context, ca_file, NULL) != 1)", "if (false)" },
  },
  {
    file = "src/redis/redis_lua.c", spec = REPLIES,
    { "an error in an array is no pair", "lua_pushlstring(L, reply->str, (size_t)reply->len);\n      lua_rawseti(L, -2, 2);", "" },
    { "nil makes a hole", "case REDIS_REPLY_NIL: lua_pushboolean(L, 0); return true;", "case REDIS_REPLY_NIL: lua_pushnil(L); return true;" },
  },
  {
    file = "lua/apivideo/inbox/redis/hiredis.lua", spec = TASKS,
    { "there is no time limit", "if remaining <= 0 then return nil, timeout end", "if remaining <= 0 then remaining = 1 end" },
    { "a nil reply is a result", [[if state == "reply" and value ~= false then]], [[if state == "reply" then]] },
  },
  {
    file = "lua/apivideo/inbox/redis/clients.lua", spec = TASKS,
    { "dead connections stay idle", "if not client:is_usable() then close_idle(self) end", "" },
    { "an error of the server closes all connections", "if not client:is_usable() then close_idle(self) end", "close_idle(self)" },
  },
  {
    file = "lua/apivideo/inbox/redis/resty.lua", spec = NGINX,
    { "there is no TLS", "if address.tls and is_new then", "if false then" },
    { "any certificate is trusted in nginx", "socket:sslhandshake(false, name, true)", "socket:sslhandshake(false, name, false)" },
    { "a client of the application is closed", "protected.call(self.resty.set_keepalive, self.resty, POOL_IDLE_S * 1000, POOL_SIZE)", "protected.call(self.resty.close, self.resty)" },
  },
}
