/*
** apivideo.server.core: the server for Lua. Arguments in, results out; the work is server.c's.
**
**   server = core.new { host, port, max_body, timeout, max_connections } | nil, message
**   server:fd()                  wait until it is readable, then
**   server:run()                 -> whether SIGINT or SIGTERM has come (after server:catch_signals())
**   server:next()                -> id, method, target, headers, body, peer; or nil
**   server:respond(id, status, headers, body) -> whether somebody still waits for it
**   server:stop_accepting(), server:active(), server:port(), server:close()
**
** A closed server answers its methods with nil, false or 0.
*/
#include <string.h>

#include "../common/headers_lua.h"
#include "server.h"

#define SERVER "apivideo.server"
#define MAX_CONNECTIONS 65536
#define MAX_INTEGER 9007199254740992.0 /* 2^53: whole in every Lua */

static server *check_server(lua_State *L) { return luaL_checkudata(L, 1, SERVER); }

/* Reads a number of the options at index 1, times `unit`. Raises unless least <= it <= most.
   Stack: [-0, +0]. */
static double number_option(lua_State *L, const char *name, double unit, double least,
                            double most) {
  double value;
  lua_getfield(L, 1, name);
  value = lua_tonumber(L, -1) * unit;
  if (lua_type(L, -1) != LUA_TNUMBER || !(value >= least && value <= most))
    luaL_error(L, "option \"%s\" must be a number from %f to %f", name, least / unit, most / unit);
  lua_pop(L, 1);
  return value;
}

/* new { … } -> server | nil, message. Stack: [-0, +1|2]. The server belongs to Lua. */
static int new_server(lua_State *L) {
  server_options options;
  server *self;
  luaL_checktype(L, 1, LUA_TTABLE);
  options.port = (unsigned)number_option(L, "port", 1, 0, 65535);
  options.max_body = (size_t)number_option(L, "max_body", 1, 0, 2147483647.0);
  options.timeout = (unsigned)number_option(L, "timeout", 1000, 1, 86400000);
  options.max_connections =
      (unsigned)number_option(L, "max_connections", 1, 1, MAX_CONNECTIONS);
  lua_getfield(L, 1, "host"); /* stays on the stack as long as it is needed */
  if (lua_type(L, -1) != LUA_TSTRING) return luaL_error(L, "option \"host\" must be a string");
  options.host = lua_tostring(L, -1);
  self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, SERVER);
  lua_setmetatable(L, -2);
  if (server_open(self, &options)) return 1;
  lua_pushnil(L);
  lua_pushstring(L, self->error);
  return 2;
}

/* server:close(), __gc, __close. Stack: [-0, +0]. */
static int close_server(lua_State *L) {
  server_close(check_server(L));
  return 0;
}

/* server:fd() -> descriptor | nil. Stack: [-0, +1]. */
static int get_fd(lua_State *L) {
  const server *self = check_server(L);
  if (self->open)
    lua_pushinteger(L, self->epoll);
  else
    lua_pushnil(L);
  return 1;
}

/* server:port() -> number. Stack: [-0, +1]. */
static int get_port(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_server(L)->port);
  return 1;
}

/* server:active() -> how many requests have begun and are not over. Stack: [-0, +1]. */
static int get_active(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_server(L)->active);
  return 1;
}

/* server:catch_signals() -> true | nil, message. Stack: [-0, +1|2]. */
static int catch_signals(lua_State *L) {
  server *self = check_server(L);
  const char *problem = self->open ? server_catch_signals(self) : "the server is closed";
  if (problem == NULL) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

/* server:stop_accepting(). Stack: [-0, +0]. */
static int stop_accepting(lua_State *L) {
  server_stop_accepting(check_server(L));
  return 0;
}

/* server:run() -> whether a signal to stop has come. Stack: [-0, +1]. */
static int run(lua_State *L) {
  server *self = check_server(L);
  lua_pushboolean(L, self->open && server_run(self));
  return 1;
}

/* Pushes a request's headers as a table. Stack: [-0, +1]. */
static void push_headers(lua_State *L, const server_request *request) {
  size_t at;
  lua_createtable(L, 0, (int)request->header_count);
  for (at = 0; at < request->header_count; at++) {
    const server_header *header = &request->headers[at];
    headers_add(L, header->name, header->name_len, header->value, header->value_len);
  }
}

/* server:next() -> id, method, target, headers, body, peer | nil. Stack: [-0, +1|6]. The request is
   taken once all of it has been pushed: no memory in between leaves it where it was. */
static int next_request(lua_State *L) {
  const server *self = check_server(L);
  server_request *request = self->open ? server_peek(self) : NULL;
  if (request == NULL) {
    lua_pushnil(L);
    return 1;
  }
  compat_pushinteger(L, (int64_t)request->id);
  lua_pushstring(L, request->method);
  lua_pushstring(L, request->target);
  push_headers(L, request);
  lua_pushlstring(L, request->body != NULL ? request->body : "", request->length);
  lua_pushstring(L, request->peer);
  server_take(request);
  return 6;
}

/* What is done with a response header: NULL, or what is wrong with it. */
typedef const char *(*header_action)(server *self, const char *name, size_t name_len,
                                     const char *value, size_t value_len);

static const char *check_header(server *self, const char *name, size_t name_len,
                                const char *value, size_t value_len) {
  (void)self;
  return server_header_problem(name, name_len, value, value_len);
}

static const char *add_header(server *self, const char *name, size_t name_len, const char *value,
                              size_t value_len) {
  (void)name_len;
  (void)value_len;
  return server_add_header(self, name, value) ? NULL : "cannot be sent";
}

/* One header, whose name is below its value at the top. Stack: [-0, +0]. */
static const char *one_header(lua_State *L, server *self, header_action action, int name_at) {
  size_t name_len, value_len;
  const char *name, *value;
  if (lua_type(L, name_at) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
    return "must be a string, or an array of strings";
  name = lua_tolstring(L, name_at, &name_len);
  value = lua_tolstring(L, -1, &value_len);
  return action(self, name, name_len, value, value_len);
}

/* Goes through the headers at index 4. NULL, or what is wrong with the one whose name is left at the
   top of the stack. Strings only are read, so that nothing is converted and nothing raises.
   Stack: [-0, +0|1]. */
static const char *each_header(lua_State *L, server *self, header_action action) {
  if (lua_isnil(L, 4)) return NULL;
  lua_pushnil(L);
  while (lua_next(L, 4) != 0) {
    const char *problem = NULL;
    if (lua_type(L, -1) == LUA_TTABLE) {
      const size_t count = compat_rawlen(L, -1);
      size_t at;
      for (at = 1; at <= count && problem == NULL; at++) {
        lua_rawgeti(L, -1, (int)at);
        problem = one_header(L, self, action, -3);
        lua_pop(L, 1);
      }
    } else {
      problem = one_header(L, self, action, -2);
    }
    lua_pop(L, 1);
    if (problem != NULL) return problem;
  }
  return NULL;
}

/* server:respond(id, status, headers|nil, body|nil) -> whether the request still waited for it.
   Raises for what cannot be sent, and then the request still waits. Stack: [-0, +1]. */
static int respond(lua_State *L) {
  server *self = check_server(L);
  const double id = luaL_checknumber(L, 2);
  const double status = luaL_checknumber(L, 3);
  size_t length = 0;
  const char *body = luaL_optlstring(L, 5, NULL, &length);
  const char *problem;
  server_request *request;
  luaL_argcheck(L, status >= 200 && status <= 599, 3, "a status from 200 to 599 expected");
  if (!lua_isnil(L, 4)) luaL_checktype(L, 4, LUA_TTABLE);
  lua_settop(L, 5);
  luaL_checkstack(L, 6, "headers");
  problem = each_header(L, self, check_header);
  if (problem != NULL)
    return luaL_error(L, "header \"%s\" %s", lua_tostring(L, -1), problem);
  request = id >= 0 && id < MAX_INTEGER ? server_find(self, (uint64_t)id) : NULL;
  if (request == NULL) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (!server_begin_answer(self, body, length) || each_header(L, self, add_header) != NULL)
    return luaL_error(L, "not enough memory for the response");
  lua_pushboolean(L, server_send_answer(request, (unsigned)status));
  return 1;
}

static const luaL_Reg methods[] = {{"fd", get_fd},
                                   {"port", get_port},
                                   {"active", get_active},
                                   {"catch_signals", catch_signals},
                                   {"stop_accepting", stop_accepting},
                                   {"run", run},
                                   {"next", next_request},
                                   {"respond", respond},
                                   {"close", close_server},
                                   {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", close_server}, {"__close", close_server}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_server}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_server_core(lua_State *L);

/* Pushes the module: { new }. Opens nothing. Stack: [-0, +1]. */
int luaopen_apivideo_server_core(lua_State *L) {
  if (luaL_newmetatable(L, SERVER)) {
    compat_setfuncs(L, metamethods);
    lua_createtable(L, 0, sizeof methods / sizeof *methods - 1);
    compat_setfuncs(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_createtable(L, 0, 1);
  compat_setfuncs(L, functions);
  return 1;
}
