/*
** apivideo.server.core: the binding of the server for Lua.
**
**   server | nil, message = core.new(host, port, max_body, timeout, max_connections)
**   is_ready = server:run()
**   id, method, target, headers, body, peer, more = server:next()
**   sent = server:respond(id, status, headers, body)
**   sent = server:cut(id, bytes, "close" | "reset" | "hold")
**   version = core.version()
**
** A call that may run the collector (m, e, v) may run a finalizer, which may call any of these functions. So
** arguments are read before the server's state, and Lua receives copies. In a forked child, a server is closed.
*/
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/headers_lua.h"
#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "server.h"

#define SERVER "apivideo.server"
#define ID_MAX 9007199254740992.0 /* 2^53: above it, numbers are not exact */

/* The server at index 1; closed, in a forked child. Stack: [-0, +0, v]. */
static server *check_server(lua_State *L) {
  server *self = luaL_checkudata(L, 1, SERVER);
  server_close_if_forked(self);
  return self;
}

/* new(host, port, max_body, timeout, max_connections) -> server | nil, message.
   Stack: [-0, +1|2, v]. */
static int new_server(lua_State *L) {
  server_options options;
  server *self;
  size_t len;
  options.host = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, strlen(options.host) == len, 1, "a host must not contain NUL");
  options.port = (unsigned)aux_check_integer(L, 2, 0, 65535);
  options.max_body = (size_t)aux_check_integer(L, 3, 0, 1 << 30);
  options.timeout = (unsigned)aux_check_integer(L, 4, 1, 86400);
  options.max_connections = (unsigned)aux_check_integer(L, 5, 1, 1 << 20);
  self = lua_newuserdata(L, server_size());
  memset(self, 0, server_size());
  luaL_getmetatable(L, SERVER);
  lua_setmetatable(L, -2);
  if (server_open(self, &options)) return 1;
  server_close(self);
  lua_pushnil(L);
  lua_pushstring(L, server_error(self));
  return 2;
}

/* server:close(), __gc, __close. Stack: [-0, +0, v]. */
static int close_server(lua_State *L) {
  server_close(luaL_checkudata(L, 1, SERVER));
  return 0;
}

#ifndef APIVIDEO_POLL

/* server:fd() -> the descriptor to wait for; -1 once the server is closed. Stack: [-0, +1, v]. */
static int get_fd(lua_State *L) {
  lua_pushinteger(L, server_fd(check_server(L)));
  return 1;
}

#else

/* Appends the descriptors of a set to the array at `index`. Stack: [-0, +0, m]. */
static void append_fds(lua_State *L, int index, const fd_set *set) {
  int fd, count = (int)compat_rawlen(L, index);
  for (fd = 0; fd < FD_SETSIZE; fd++) {
    if (!FD_ISSET(fd, set)) continue;
    lua_pushinteger(L, fd);
    lua_rawseti(L, index, ++count);
  }
}

/* server:list_fds(reads, writes) -> seconds | nil: appends the descriptors to wait for to two arrays, and
   returns the time limit of the wait; no descriptors, and 0, once the server is closed. Stack: [-0, +1, v]. */
static int list_fds(lua_State *L) {
  const server *self = check_server(L);
  fd_set reads, writes;
  long long ms;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  ms = server_list_fds(self, &reads, &writes);
  append_fds(L, 2, &reads);
  append_fds(L, 3, &writes);
  if (ms == LLONG_MAX)
    lua_pushnil(L);
  else
    lua_pushnumber(L, (lua_Number)ms / 1000);
  return 1;
}

#endif

/* server:address() -> host, port. Stack: [-0, +2, v]. */
static int get_address(lua_State *L) {
  const server *self = check_server(L);
  const unsigned port = server_port(self);
  lua_pushstring(L, server_host(self));
  lua_pushinteger(L, (lua_Integer)port);
  return 2;
}

/* server:run() -> whether requests are ready; nil once the server is closed. Stack: [-0, +1, v]. */
static int run(lua_State *L) {
  server *self = check_server(L);
  server_run(self);
  if (!server_is_open(self))
    lua_pushnil(L);
  else
    lua_pushboolean(L, server_first(self) != NULL);
  return 1;
}

/* Pushes a copy of the first request of the queue, as a userdata; returns it, or NULL, with nothing pushed,
   when the queue is empty. Stack: [-0, +1|0, m]. */
static const server_copy *push_copy(lua_State *L, const server *self) {
  const server_request *first = server_first(self);
  while (first != NULL) {
    const size_t size = server_copy_size(first);
    server_copy *copy = lua_newuserdata(L, size);
    first = server_first(self); /* a finalizer may have taken the one before */
    if (first == NULL) break;
    if (server_copy_size(first) == size) {
      server_copy_into(copy, first);
      return copy;
    }
    lua_pop(L, 1);
  }
  return NULL;
}

/* Pushes the parts of a request: id, method, target, headers, body, peer. Stack: [-0, +6, m]. */
static void push_parts(lua_State *L, const server_copy *copy) {
  size_t i;
  compat_pushinteger(L, copy->id);
  lua_pushstring(L, copy->method);
  lua_pushstring(L, copy->target);
  lua_createtable(L, 0, (int)copy->header_count);
  for (i = 0; i < copy->header_count; i++) {
    const server_header *header = &copy->headers[i];
    headers_add(L, header->name, header->name_len, header->value, header->value_len);
  }
  lua_pushlstring(L, copy->body, copy->body_len);
  lua_pushstring(L, copy->peer);
}

/* server:next() -> id, method, target, headers, body, peer, whether more are ready; or nothing.
   The request is taken last: if a push raises, it is still in the queue. If a finalizer has taken it during the
   pushes, the next one is returned. Stack: [-0, +7|0, m]. */
static int next_request(lua_State *L) {
  server *self = check_server(L);
  for (;;) {
    const server_copy *copy;
    lua_settop(L, 1);
    copy = push_copy(L, self);
    if (copy == NULL) return 0;
    push_parts(L, copy);
    if (server_take(self, copy->id)) break;
  }
  lua_pushboolean(L, server_first(self) != NULL);
  return 7;
}

/* The id at index 2; 0, which no request has, for a number that cannot be an id, such as NaN.
   Stack: [-0, +0, v]. */
static long long check_id(lua_State *L) {
  const lua_Number id = luaL_checknumber(L, 2);
  return id >= 1 && id <= ID_MAX ? (long long)id : 0;
}

/* Checks that index 4 is nil or a table of headers that can be sent, name -> value. Calls no finalizer
   unless it raises. Stack: [-0, +0, v]. */
static void check_headers(lua_State *L) {
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
    if (!server_is_header(name, name_len, value, value_len))
      luaL_argerror(L, 4, lua_pushfstring(L, "header \"%s\" cannot be sent", name));
    lua_pop(L, 1);
  }
}

/* Adds the headers at index 4, which were checked, to the draft of a response. Calls no finalizer unless it
   raises; the draft then stays until the next draft, or until the request ends. Stack: [-0, +0, v]. */
static void draft_headers(lua_State *L, server_request *request) {
  if (lua_isnoneornil(L, 4)) return;
  lua_pushnil(L);
  while (lua_next(L, 4) != 0) {
    const char *name = lua_tostring(L, -2);
    errno = 0;
    if (!server_draft_header(request, name, lua_tostring(L, -1))) {
      if (errno == ENOMEM) luaL_error(L, "out of memory");
      luaL_argerror(L, 4, lua_pushfstring(L, "header \"%s\" cannot be sent", name));
    }
    lua_pop(L, 1);
  }
}

/* server:respond(id, status, headers | nil, body | nil) -> whether the request still existed.
   Stack: [-0, +1, v]. */
static int respond(lua_State *L) {
  server *self = check_server(L);
  const long long id = check_id(L);
  const unsigned status = (unsigned)aux_check_integer(L, 3, 200, 599);
  size_t len;
  const char *body = luaL_optlstring(L, 5, "", &len); /* may run the collector */
  server_request *request;
  check_headers(L);
  request = server_find(self, id);
  if (request != NULL) {
    if (!server_draft(request, body, len)) return luaL_error(L, "out of memory");
    draft_headers(L, request);
    server_send(request, status);
    server_flush(self);
  }
  lua_pushboolean(L, request != NULL);
  return 1;
}

/* server:cut(id, bytes, ending) -> whether the request still existed. Stack: [-0, +1, v]. */
static int cut(lua_State *L) {
  static const char *const endings[] = {"close", "reset", "hold", NULL}; /* of server_ending */
  server *self = check_server(L);
  const long long id = check_id(L);
  size_t len;
  const char *bytes = luaL_checklstring(L, 3, &len); /* may run the collector */
  const int ending = luaL_checkoption(L, 4, NULL, endings);
  server_request *request = server_find(self, id);
  if (request != NULL) server_cut(request, bytes, len, (server_ending)ending);
  lua_pushboolean(L, request != NULL);
  return 1;
}

/* server:refuse(connections): closes that many more of the next connections; 0 resets the count; math.huge:
   all. Stack: [-0, +0, v]. */
static int refuse_next(lua_State *L) {
  server *self = check_server(L);
  const lua_Number connections = luaL_checknumber(L, 2);
  luaL_argcheck(L, connections >= 0, 2, "non-negative number expected"); /* false for NaN */
  if (!server_refuse(self, connections < ID_MAX ? (long long)connections : LLONG_MAX))
    return luaL_error(L, "out of memory");
  return 0;
}

/* server:stop_accepting(). Stack: [-0, +0, v]. */
static int stop_accepting(lua_State *L) {
  server_stop_accepting(check_server(L));
  return 0;
}

/* server:active() -> the number of requests from their header sections to the ends of their responses.
   Stack: [-0, +1, v]. */
static int active(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)server_active(check_server(L)));
  return 1;
}

/* version() -> the version of the loaded libmicrohttpd. Stack: [-0, +1, m]. */
static int version(lua_State *L) {
  lua_pushstring(L, server_library());
  return 1;
}

static const luaL_Reg methods[] = {{"close", close_server},
#ifndef APIVIDEO_POLL
                                   {"fd", get_fd},
#else
                                   {"list_fds", list_fds},
#endif
                                   {"address", get_address},
                                   {"run", run},
                                   {"next", next_request},
                                   {"respond", respond},
                                   {"cut", cut},
                                   {"refuse", refuse_next},
                                   {"stop_accepting", stop_accepting},
                                   {"active", active},
                                   {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", close_server}, {"__close", close_server}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_server}, {"version", version}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_server_core(lua_State *L);

/* Pushes the module: { new, version }. Stack: [-0, +1, m]. */
int luaopen_apivideo_server_core(lua_State *L) {
  pin_module();
  aux_new_class(L, SERVER, methods, metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
  return 1;
}
