/*
** A request as a Lua table: see http_request_lua.h.
*/
#include "http_request_lua.h"

#include <string.h>

/* Reads a string field of the request at index 2. It stays on the stack, so that it lives as long as the
   call. NULL when it is nil and `optional`. Stack: [-0, +1, e]. */
static const char *string_field(lua_State *L, const char *name, bool optional, size_t *len) {
  lua_getfield(L, 2, name);
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tolstring(L, -1, len);
  if (!optional || !lua_isnil(L, -1))
    luaL_error(L, "field \"%s\" must be a string, got %s", name, luaL_typename(L, -1));
  return NULL;
}

/* Like string_field, for strings that C reads up to their NUL: raises for one inside.
   Stack: [-0, +1, e]. */
static const char *plain_field(lua_State *L, const char *name, bool optional) {
  size_t len = 0;
  const char *text = string_field(L, name, optional, &len);
  if (text != NULL && strlen(text) != len) luaL_error(L, "field \"%s\" holds a NUL", name);
  return text;
}

/* Reads a positive number field times `unit`. NaN fails the comparisons. Stack: [-0, +0, e]. */
static long number_field(lua_State *L, const char *name, double unit) {
  double value;
  lua_getfield(L, 2, name);
  value = lua_tonumber(L, -1) * unit;
  if (lua_type(L, -1) != LUA_TNUMBER || !(value >= 1 && value <= 2147483647.0))
    luaL_error(L, "field \"%s\" must be a positive number within 32 bits", name);
  lua_pop(L, 1);
  return (long)value;
}

/* Reads a boolean field, true when it is nil. Stack: [-0, +0, e]. */
static bool boolean_field(lua_State *L, const char *name) {
  bool value;
  lua_getfield(L, 2, name);
  if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
    luaL_error(L, "field \"%s\" must be a boolean, got %s", name, luaL_typename(L, -1));
  value = lua_isnil(L, -1) || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

void http_request_read(lua_State *L, http_request *request) {
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
  lua_getfield(L, 2, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1))
    luaL_error(L, "field \"headers\" must be an array, got %s", luaL_typename(L, -1));
}

const char *http_request_add_headers(lua_State *L, int index, http_transfer *transfer) {
  const char *problem = NULL;
  const int count = lua_istable(L, index) ? (int)compat_rawlen(L, index) : 0;
  int i;
  for (i = 1; i <= count && problem == NULL; i++) {
    lua_rawgeti(L, index, i);
    if (lua_type(L, -1) == LUA_TSTRING) {
      size_t len;
      const char *line = lua_tolstring(L, -1, &len);
      problem = http_add_header(transfer, line, len);
    } else {
      problem = "a header must be a string";
    }
    lua_pop(L, 1);
  }
  return problem;
}
