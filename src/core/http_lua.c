/*
** apivideo.core.http: pools and transfers for Lua. Arguments in, results out; the work is http.c's.
**
**   pool = http.new()
**   transfer = pool:start { method, url, headers = { "Name: value", … }, body, … }
**   finished, ready = pool:step(seconds [, fds])
**   response | nil, kind, message, sent = transfer:result()
**   transfer:cancel()
**
** A pool's uservalue holds its running transfers by id, so that none is collected while libcurl
** works on it; the transfers share that table as theirs, to leave it. Neither needs the other's
** memory: whichever is closed first tells the other.
*/
#include "http_lua.h"

#include <string.h>

#include "../common/headers_lua.h"
#include "http.h"

#define POOL "apivideo.http.pool"
#define TRANSFER "apivideo.http.transfer"
#define MAX_FDS 64

static http_pool *check_pool(lua_State *L) { return luaL_checkudata(L, 1, POOL); }

static http_transfer *check_transfer(lua_State *L) { return luaL_checkudata(L, 1, TRANSFER); }

/* new() -> pool | nil, message. Stack: [-0, +1|2]. The pool belongs to Lua. */
static int new_pool(lua_State *L) {
  http_pool *pool = lua_newuserdata(L, sizeof *pool);
  memset(pool, 0, sizeof *pool);
  luaL_getmetatable(L, POOL);
  lua_setmetatable(L, -2);
  lua_newtable(L);
  compat_setuservalue(L, -2);
  if (http_pool_open(pool)) return 1;
  lua_pushnil(L);
  lua_pushliteral(L, "libcurl could not be started");
  return 2;
}

/* __gc, __close. Stack: [-0, +0]. */
static int pool_close(lua_State *L) {
  http_pool_close(check_pool(L));
  return 0;
}

/* pool:forked() -> whether another process made it. Stack: [-0, +1]. */
static int pool_forked(lua_State *L) {
  lua_pushboolean(L, http_pool_forked(check_pool(L)));
  return 1;
}

/* Raises unless the pool can be used. Stack: [-0, +0]. */
static http_pool *check_usable(lua_State *L) {
  http_pool *pool = check_pool(L);
  luaL_argcheck(L, pool->multi != NULL, 1, "the pool is closed");
  luaL_argcheck(L, !http_pool_forked(pool), 1, "the pool was made before a fork");
  return pool;
}

/* Reads a string field of the request at index 2, which stays on the stack so that it lives as long
   as the call. NULL when it is nil and `optional`. Stack: [-0, +1]. */
static const char *string_field(lua_State *L, const char *name, bool optional, size_t *len) {
  lua_getfield(L, 2, name);
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tolstring(L, -1, len);
  if (!optional || !lua_isnil(L, -1))
    luaL_error(L, "field \"%s\" must be a string, got %s", name, luaL_typename(L, -1));
  return NULL;
}

/* Like string_field, for strings that C reads up to their NUL: NULL and a message for one inside. */
static const char *plain_field(lua_State *L, const char *name, bool optional) {
  size_t len = 0;
  const char *text = string_field(L, name, optional, &len);
  if (text != NULL && strlen(text) != len) luaL_error(L, "field \"%s\" holds a NUL", name);
  return text;
}

/* Reads a positive number field times `unit`. Stack: [-0, +0]. */
static long number_field(lua_State *L, const char *name, double unit) {
  double value;
  lua_getfield(L, 2, name);
  value = lua_tonumber(L, -1) * unit;
  if (lua_type(L, -1) != LUA_TNUMBER || !(value >= 1 && value <= 2147483647.0))
    luaL_error(L, "field \"%s\" must be a positive number within 32 bits", name);
  lua_pop(L, 1);
  return (long)value;
}

/* Reads a boolean field, true when it is nil. Stack: [-0, +0]. */
static bool boolean_field(lua_State *L, const char *name) {
  bool value;
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
    luaL_error(L, "field \"%s\" must be a boolean, got %s", name, luaL_typename(L, -1));
  value = lua_isnil(L, -1) || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Reads the request at index 2; its strings stay on the stack. Stack: [-0, +8]. */
static void read_request(lua_State *L, http_request *request) {
  memset(request, 0, sizeof *request);
  luaL_checktype(L, 2, LUA_TTABLE);
  request->timeout = number_field(L, "timeout", 1000);
  request->connect_timeout = number_field(L, "connect_timeout", 1000);
  request->max_body = (size_t)number_field(L, "max_body", 1);
  request->max_header = (size_t)number_field(L, "max_header", 1);
  request->method = plain_field(L, "method", false);
  request->url = plain_field(L, "url", false);
  request->username = plain_field(L, "username", true);
  request->ca_file = plain_field(L, "ca_file", true);
  request->client_cert = plain_field(L, "client_cert", true);
  request->client_key = plain_field(L, "client_key", true);
  request->proxy = plain_field(L, "proxy", true);
  request->http2 = boolean_field(L, "http2");
  request->body = string_field(L, "body", true, &request->body_len);
}

/* Adds the headers of the array at the top. NULL, or why not. Stack: [-0, +0]. */
static const char *add_headers(lua_State *L, http_transfer *transfer) {
  const int count = (int)compat_rawlen(L, -1);
  int i;
  for (i = 1; i <= count; i++) {
    const char *problem = "a header must be a string";
    lua_rawgeti(L, -1, i);
    if (lua_type(L, -1) == LUA_TSTRING) {
      size_t len;
      const char *line = lua_tolstring(L, -1, &len);
      problem = http_add_header(transfer, line, len);
    }
    lua_pop(L, 1);
    if (problem != NULL) return problem;
  }
  return NULL;
}

/* Pushes nil, kind, message, and whether any byte may have reached the peer. Stack: [-0, +4]. */
static int fail(lua_State *L, const char *kind, const char *message, bool sent) {
  lua_pushnil(L);
  lua_pushstring(L, kind);
  lua_pushstring(L, message);
  lua_pushboolean(L, sent);
  return 4;
}

/* Keeps the transfer at the top in the pool's table while it runs. Stack: [-0, +0]. */
static void anchor(lua_State *L, http_transfer *transfer) {
  int id;
  compat_getuservalue(L, 1);
  id = (int)compat_rawlen(L, -1) + 1;
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, id);
  compat_setuservalue(L, -2);
  transfer->id = id;
}

/* Undoes anchor for the transfer at `index`, if it is anchored. Stack: [-0, +0]. */
static void release(lua_State *L, int index, http_transfer *transfer) {
  if (transfer->id == 0) return;
  compat_getuservalue(L, index);
  lua_pushnil(L);
  lua_rawseti(L, -2, transfer->id);
  lua_pop(L, 1);
  transfer->id = 0;
}

/* pool:start(request) -> transfer | nil, kind, message, false. Stack: [-0, +1|4]. */
static int pool_start(lua_State *L) {
  http_pool *pool = check_usable(L);
  http_request request;
  http_transfer *transfer;
  const char *problem, *kind = "invalid_request";
  read_request(L, &request);
  lua_getfield(L, 2, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1)) return luaL_error(L, "field \"headers\" must be an array");
  transfer = lua_newuserdata(L, sizeof *transfer);
  memset(transfer, 0, sizeof *transfer);
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  lua_insert(L, -2); /* …, transfer, headers */
  problem = lua_istable(L, -1) ? add_headers(L, transfer) : NULL;
  lua_pop(L, 1);
  anchor(L, transfer); /* first, as it may raise: a handle must not outlive its pool */
  if (problem == NULL) problem = http_prepare(pool, transfer, &request);
  if (problem == NULL) {
    kind = "network";
    problem = http_start(pool, transfer);
  }
  if (problem == NULL) return 1;
  release(L, lua_gettop(L), transfer);
  http_close(transfer); /* `problem` lives on, even in it */
  return fail(L, kind, problem, false);
}

/* Takes the finished transfers off the pool: pushes them as an array, or nil. Nothing raises once the
   first has been taken. Stack: [-0, +1]. */
static void push_finished(lua_State *L, http_pool *pool) {
  const http_transfer *transfer;
  int i, count = 0;
  if (pool->done == NULL) {
    lua_pushnil(L);
    return;
  }
  for (transfer = pool->done; transfer != NULL; transfer = transfer->next) count++;
  lua_createtable(L, count, 0);
  compat_getuservalue(L, 1); /* finished, running */
  for (i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, pool->done->id);
    lua_rawseti(L, -3, i);
    lua_pushnil(L);
    lua_rawseti(L, -2, pool->done->id);
    http_pool_take(pool)->id = 0;
  }
  lua_pop(L, 1);
}

/* Pushes the descriptors that are ready as an array, or nil. Stack: [-0, +1]. */
static void push_ready(lua_State *L, const struct curl_waitfd *fds, unsigned count) {
  unsigned i;
  int ready = 0;
  lua_pushnil(L);
  for (i = 0; i < count; i++) {
    if (fds[i].revents == 0) continue;
    if (ready == 0) {
      lua_pop(L, 1);
      lua_newtable(L);
    }
    lua_pushinteger(L, fds[i].fd);
    lua_rawseti(L, -2, ++ready);
  }
}

/* Reads the array of descriptors at index 3, if there is one. Stack: [-0, +0]. */
static unsigned read_fds(lua_State *L, struct curl_waitfd *fds) {
  unsigned i, count;
  if (lua_isnoneornil(L, 3)) return 0;
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_argcheck(L, compat_rawlen(L, 3) <= MAX_FDS, 3, "too many descriptors");
  count = (unsigned)compat_rawlen(L, 3);
  for (i = 0; i < count; i++) {
    lua_rawgeti(L, 3, (int)i + 1);
    fds[i].fd = (curl_socket_t)luaL_checkinteger(L, -1);
    fds[i].events = CURL_WAIT_POLLIN;
    fds[i].revents = 0;
    lua_pop(L, 1);
  }
  return count;
}

/* pool:step(seconds [, fds]) -> finished transfers | nil, ready descriptors | nil: drives all
   transfers, waiting until one ends, a descriptor can be read, or the time is over.
   Stack: [-0, +2]. */
static int pool_step(lua_State *L) {
  http_pool *pool = check_usable(L);
  const double seconds = luaL_checknumber(L, 2);
  struct curl_waitfd fds[MAX_FDS];
  const unsigned count = read_fds(L, fds);
  /* Rounded up: a wait that ends before its timer makes the caller spin. */
  const int timeout = seconds <= 0 ? 0 : seconds > 3600 ? 3600000 : (int)(seconds * 1000 + 0.999);
  const char *problem = http_pool_step(pool, fds, count, timeout);
  if (problem != NULL) return luaL_error(L, "libcurl: %s", problem);
  push_ready(L, fds, count);
  push_finished(L, pool); /* last: had a push raised, who waits for them would wait for ever */
  lua_insert(L, -2);
  return 2;
}

/* Adds the header lines of a response to the table at the top. Stack: [-0, +0]. */
static void add_response_headers(lua_State *L, const http_buffer *header) {
  const char *line = header->data;
  const char *const end = header->len == 0 ? line : line + header->len; /* NULL has no offsets */
  while (line != end) {
    const char *next = memchr(line, '\n', (size_t)(end - line));
    const char *stop = next == NULL ? end : next;
    const char *colon = memchr(line, ':', (size_t)(stop - line));
    if (colon != NULL && colon > line && *line != ' ' && *line != '\t') {
      const char *value = colon + 1;
      while (value < stop && (*value == ' ' || *value == '\t')) value++;
      while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r')) stop--;
      headers_add(L, line, (size_t)(colon - line), value, (size_t)(stop - value));
    }
    line = next == NULL ? end : next + 1;
  }
}

/* The name of the HTTP version that the peer spoke. */
static const char *version_name(long version) {
  switch (version) {
    case CURL_HTTP_VERSION_1_0: return "1.0";
    case CURL_HTTP_VERSION_1_1: return "1.1";
    case CURL_HTTP_VERSION_2_0: return "2";
    default: return "3";
  }
}

/* Sets `timings` of the table at the top: seconds from the start to each point. Stack: [-0, +0]. */
static void set_timings(lua_State *L, const http_transfer *transfer) {
  static const char *const names[HTTP_POINTS] = {"name_lookup", "connect", "tls", "first_byte",
                                                 "total"};
  size_t i;
  lua_createtable(L, 0, HTTP_POINTS);
  for (i = 0; i < HTTP_POINTS; i++) {
    lua_pushnumber(L, (lua_Number)transfer->points[i] / 1e6);
    lua_setfield(L, -2, names[i]);
  }
  lua_setfield(L, -2, "timings");
}

/* Pushes the response { status, http_version, headers, body, connections, timings }: connections
   is how many were opened for it, 0 when a kept one served. Stack: [-0, +1]. */
static void push_response(lua_State *L, const http_transfer *transfer) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, (lua_Integer)transfer->status);
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, (lua_Integer)transfer->connections);
  lua_setfield(L, -2, "connections");
  lua_pushstring(L, version_name(transfer->version));
  lua_setfield(L, -2, "http_version");
  lua_createtable(L, 0, transfer->header_lines);
  add_response_headers(L, &transfer->header);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, transfer->body.len > 0 ? transfer->body.data : "", transfer->body.len);
  lua_setfield(L, -2, "body");
  set_timings(L, transfer);
}

/* transfer:result() -> response | nil, kind, message, sent; nil alone while it runs. What the
   transfer holds is freed: it tells its result once. Stack: [-0, +1|4]. */
static int transfer_result(lua_State *L) {
  http_transfer *transfer = check_transfer(L);
  const char *kind;
  int count = 1;
  if (transfer->state == HTTP_CLOSED)
    return fail(L, "cancelled", "the request was cancelled", transfer->sent);
  if (transfer->state != HTTP_DONE) {
    lua_pushnil(L);
    return 1;
  }
  kind = http_error_kind(transfer);
  if (kind == NULL)
    push_response(L, transfer);
  else
    count = fail(L, kind, http_error_message(transfer), transfer->sent);
  http_close(transfer);
  return count;
}

/* transfer:cancel(), __close: stops it; its result is then an error. Stack: [-0, +0]. */
static int transfer_cancel(lua_State *L) {
  http_transfer *transfer = check_transfer(L);
  release(L, 1, transfer);
  http_close(transfer);
  return 0;
}

/* __gc: nothing refers to it, so it is not anchored. Stack: [-0, +0]. */
static int transfer_close(lua_State *L) {
  http_close(check_transfer(L));
  return 0;
}

static const luaL_Reg pool_methods[] = {{"start", pool_start},   {"step", pool_step},
                                        {"forked", pool_forked}, {"close", pool_close},
                                        {"__gc", pool_close},    {"__close", pool_close},
                                        {NULL, NULL}};

static const luaL_Reg transfer_methods[] = {{"result", transfer_result},
                                            {"cancel", transfer_cancel},
                                            {"__gc", transfer_close},
                                            {"__close", transfer_cancel},
                                            {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_pool}, {NULL, NULL}};

/* Registers a class whose methods are its metatable's fields. Stack: [-0, +0]. */
static void new_class(lua_State *L, const char *name, const luaL_Reg *methods) {
  (void)luaL_newmetatable(L, name);
  compat_setfuncs(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void http_open(lua_State *L) {
  new_class(L, POOL, pool_methods);
  new_class(L, TRANSFER, transfer_methods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
}
