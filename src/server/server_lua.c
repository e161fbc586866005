/*
** apivideo.server.core: the C half of the standalone server for Lua.
**
**   server | nil, message = core.new(host, port, max_body, timeout, max_connections)
**   signalled, ready = server:run()
**   id, method, target, headers, body, peer, more = server:next()
**   sent = server:respond(id, status, headers, body)
**   sent = server:cut(id, bytes, "close" | "reset" | "hold")
*/
#include <limits.h>
#include <string.h>

#include "../common/arguments_lua.h"
#include "../common/ascii.h"
#include "../common/headers_lua.h"
#include "server.h"

#define SERVER "apivideo.server"

static server *check_server(lua_State *L) { return luaL_checkudata(L, 1, SERVER); }

/* new(host, port, max_body, timeout, max_connections) -> server | nil, message. Stack: [-0, +1|2]. */
static int new_server(lua_State *L) {
  server_options options;
  server *self;
  options.host = luaL_checkstring(L, 1);
  options.port = (unsigned)arguments_check_integer(L, 2, 0, 65535);
  options.max_body = (size_t)arguments_check_integer(L, 3, 0, 1 << 30);
  options.timeout = (unsigned)arguments_check_integer(L, 4, 1, 86400);
  options.max_connections = (unsigned)arguments_check_integer(L, 5, 1, 1 << 20);
  self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, SERVER);
  lua_setmetatable(L, -2);
  if (server_open(self, &options)) return 1;
  lua_pushnil(L);
  lua_pushstring(L, self->error);
  server_close(self);
  return 2;
}

/* server:close(), __gc, __close. Stack: [-0, +0]. */
static int close_server(lua_State *L) {
  server_close(check_server(L));
  return 0;
}

/* server:fd() -> the descriptor to wait for. Stack: [-0, +1]. */
static int server_fd(lua_State *L) {
  lua_pushinteger(L, check_server(L)->epoll);
  return 1;
}

/* server:address() -> host, port. Stack: [-0, +2]. */
static int server_address(lua_State *L) {
  const server *self = check_server(L);
  lua_pushstring(L, self->host);
  lua_pushinteger(L, (lua_Integer)self->port);
  return 2;
}

/* server:catch_signals() -> true | nil, message. Stack: [-0, +1|2]. */
static int catch_signals(lua_State *L) {
  server *self = check_server(L);
  if (self->daemon != NULL && server_catch_signals(self)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, self->error);
  return 2;
}

/* server:run() -> whether SIGINT or SIGTERM has come, whether requests are ready. Stack: [-0, +2]. */
static int run(lua_State *L) {
  server *self = check_server(L);
  lua_pushboolean(L, server_run(self));
  lua_pushboolean(L, self->ready != NULL);
  return 2;
}

/* server:next() -> id, method, target, headers, body, peer, whether more are ready; or nothing.
   Stack: [-0, +7|0]. */
static int next_request(lua_State *L) {
  server *self = check_server(L);
  const server_request *request = self->ready;
  size_t i;
  if (request == NULL) return 0;
  compat_pushinteger(L, request->id);
  lua_pushstring(L, request->method);
  lua_pushstring(L, request->target);
  lua_createtable(L, 0, (int)request->header_count);
  for (i = 0; i < request->header_count; i++) {
    const server_header *header = &request->headers[i];
    headers_add(L, header->name, header->name_len, header->value, header->value_len);
  }
  lua_pushlstring(L, request->body_len > 0 ? request->body : "", request->body_len);
  lua_pushstring(L, request->peer);
  lua_pushboolean(L, request->next != NULL);
  server_take(self); /* last: had a push raised, the request would still be there */
  return 7;
}

/* Adds the headers of the table at index 4, name -> value, to the draft. Stack: [-0, +0]. */
static void draft_headers(lua_State *L, server_request *request) {
  if (lua_isnoneornil(L, 4)) return;
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, 4) != 0) {
    size_t name_len, value_len;
    const char *name, *value;
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      luaL_argerror(L, 4, "header names and values must be strings");
    name = lua_tolstring(L, -2, &name_len);
    value = lua_tolstring(L, -1, &value_len);
    if (strlen(name) != name_len || strlen(value) != value_len ||
        ascii_equal_strings(name, "Content-Length") || ascii_equal_strings(name, "Transfer-Encoding") ||
        !server_draft_header(request, name, value))
      luaL_argerror(L, 4, lua_pushfstring(L, "header \"%s\" cannot be sent", name));
    lua_pop(L, 1);
  }
}

/* server:respond(id, status, headers | nil, body | nil) -> whether the request was still there.
   Stack: [-0, +1]. */
static int respond(lua_State *L) {
  server *self = check_server(L);
  server_request *request = server_find(self, (long long)luaL_checknumber(L, 2));
  const unsigned status = (unsigned)arguments_check_integer(L, 3, 200, 599);
  size_t len;
  const char *body = luaL_optlstring(L, 5, "", &len);
  if (request != NULL && !server_draft(request, body, len)) return luaL_error(L, "out of memory");
  if (request != NULL) {
    draft_headers(L, request);
    server_send(request, status);
  }
  lua_pushboolean(L, request != NULL);
  return 1;
}

/* server:cut(id, bytes, ending) -> whether the request was still there. Stack: [-0, +1]. */
static int cut(lua_State *L) {
  static const char *const endings[] = {"close", "reset", "hold", NULL}; /* of server_ending */
  server *self = check_server(L);
  server_request *request = server_find(self, (long long)luaL_checknumber(L, 2));
  size_t len;
  const char *bytes = luaL_checklstring(L, 3, &len);
  const int ending = luaL_checkoption(L, 4, NULL, endings);
  if (request != NULL) server_cut(request, bytes, len, (server_ending)ending);
  lua_pushboolean(L, request != NULL);
  return 1;
}

/* server:refuse(how many more of the next connections; may be huge, 0: none any more). Stack: [-0, +0]. */
static int refuse(lua_State *L) {
  server *self = check_server(L);
  const lua_Number connections = luaL_checknumber(L, 2);
  luaL_argcheck(L, connections >= 0, 2, "out of range");
  server_refuse(self, connections < 1e15 ? (long long)connections : LLONG_MAX);
  return 0;
}

/* server:stop_accepting(). Stack: [-0, +0]. */
static int stop_accepting(lua_State *L) {
  server_stop_accepting(check_server(L));
  return 0;
}

/* server:active() -> how many requests are under way, from their headers to the end of their
   answers. Stack: [-0, +1]. */
static int active(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_server(L)->active);
  return 1;
}

static const luaL_Reg methods[] = {{"close", close_server},
                                   {"fd", server_fd},
                                   {"address", server_address},
                                   {"catch_signals", catch_signals},
                                   {"run", run},
                                   {"next", next_request},
                                   {"respond", respond},
                                   {"cut", cut},
                                   {"refuse", refuse},
                                   {"stop_accepting", stop_accepting},
                                   {"active", active},
                                   {"__gc", close_server},
                                   {"__close", close_server},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_server}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_server_core(lua_State *L);

/* Pushes the module: { new }. Stack: [-0, +1]. */
int luaopen_apivideo_server_core(lua_State *L) {
  (void)luaL_newmetatable(L, SERVER);
  compat_setfuncs(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_newtable(L);
  compat_setfuncs(L, functions);
  return 1;
}
