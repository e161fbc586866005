/*
** A request as a Lua table: see http_request_lua.h.
*/
#include "http_request_lua.h"

#include <assert.h>
#include <string.h>

#include "../common/lua_aux.h"

#define REQUEST 2 /* index of the table */

void http_request_read(lua_State *L, http_request *request) {
  const int top = lua_gettop(L);
  memset(request, 0, sizeof *request);
  luaL_checktype(L, REQUEST, LUA_TTABLE);
  request->timeout = aux_number_field(L, REQUEST, "timeout", 1000);
  request->connect_timeout = aux_number_field(L, REQUEST, "connect_timeout", 1000);
  request->max_body = (size_t)aux_number_field(L, REQUEST, "max_body", 1);
  request->max_header = (size_t)aux_number_field(L, REQUEST, "max_header", 1);
  request->method = aux_plain_field(L, REQUEST, "method", false);
  request->url = aux_plain_field(L, REQUEST, "url", false);
  request->username = aux_plain_field(L, REQUEST, "username", true);
  request->ca_file = aux_plain_field(L, REQUEST, "ca_file", true);
  request->client_cert = aux_plain_field(L, REQUEST, "client_cert", true);
  request->client_key = aux_plain_field(L, REQUEST, "client_key", true);
  request->proxy = aux_plain_field(L, REQUEST, "proxy", true);
  request->http2 = aux_boolean_field(L, REQUEST, "http2", true);
  request->insecure = aux_boolean_field(L, REQUEST, "insecure", false);
  request->body = aux_string_field(L, REQUEST, "body", true, &request->body_len);
  lua_getfield(L, REQUEST, "headers");
  if (!lua_isnil(L, -1) && !lua_istable(L, -1))
    luaL_error(L, "field \"headers\" must be an array, got %s", luaL_typename(L, -1));
  assert(lua_gettop(L) == top + HTTP_REQUEST_SLOTS);
  (void)top;
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
      problem = http_headers_add(&transfer->headers, line, len);
    } else {
      problem = "a header must be a string";
    }
    lua_pop(L, 1);
  }
  return problem;
}
