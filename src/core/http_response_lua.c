/*
** A response as a Lua table: see http_response_lua.h.
*/
#include "http_response_lua.h"

#include <assert.h>
#include <string.h>

#include "../common/headers_lua.h"
#include "../common/http_syntax.h"

/* memcpy for a buffer, which has no data when it is empty. Returns the end of the copy. */
static char *copy_buffer(char *target, const http_buffer *buffer) {
  if (buffer->len > 0) memcpy(target, buffer->data, buffer->len);
  return target + buffer->len;
}

/* Adds the header lines that http_response_add_line stored, `len` bytes at `line`, to the table at the top: each is a
   name, a colon and a value, and ends in LF. Stack: [-0, +0, m]. */
static void add_headers(lua_State *L, const char *line, size_t len) {
  const char *const end = line + len;
  while (line != end) {
    const char *const lf = memchr(line, '\n', (size_t)(end - line));
    const size_t name = http_name_len(line, (size_t)(end - line));
    const char *value = line + name + 1, *stop = lf;
    assert(lf != NULL && name > 0 && value <= lf);
    while (value < stop && http_is_blank(*value)) value++;
    while (stop > value && http_is_blank(stop[-1])) stop--;
    headers_add(L, line, name, value, (size_t)(stop - value));
    line = lf + 1;
  }
}

/* The name of the HTTP version that the peer used. */
static const char *version_name(long version) {
  switch (version) {
    case CURL_HTTP_VERSION_1_0: return "1.0";
    case CURL_HTTP_VERSION_1_1: return "1.1";
    case CURL_HTTP_VERSION_2_0: return "2";
    default: return "3";
  }
}

/* Sets `timings` of the table at the top: seconds from the start to each milestone. Stack: [-0, +0, m]. */
static void set_timings(lua_State *L, const http_transfer *transfer) {
  static const char *const names[HTTP_MILESTONES] = {"name_lookup", "connect", "tls", "first_byte",
                                                     "total"};
  size_t i;
  lua_createtable(L, 0, HTTP_MILESTONES);
  for (i = 0; i < HTTP_MILESTONES; i++) {
    lua_pushnumber(L, (lua_Number)transfer->milestones[i] / 1e6);
    lua_setfield(L, -2, names[i]);
  }
  lua_setfield(L, -2, "timings");
}

/* Sets the fields { status, http_version, connections, timings } of the table at the top. `connections` is the
   number opened for the request: 0 when a connection was reused. A closed transfer still has these fields.
   Stack: [-0, +0, m]. */
static void set_fields(lua_State *L, const http_transfer *transfer) {
  lua_pushinteger(L, (lua_Integer)transfer->status);
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, (lua_Integer)transfer->connections);
  lua_setfield(L, -2, "connections");
  lua_pushstring(L, version_name(transfer->version));
  lua_setfield(L, -2, "http_version");
  set_timings(L, transfer);
}

bool http_response_push(lua_State *L, http_transfer *transfer) {
  const size_t header_len = transfer->response.header.len, body_len = transfer->response.body.len;
  /* Each allocation may run a finalizer that closes the transfer, which frees its buffers. So their bytes are
     first copied into memory of Lua. */
  char *header = lua_newuserdata(L, header_len + body_len + 1);
  const char *body;
  if (transfer->state != HTTP_DONE) {
    lua_pop(L, 1);
    return false;
  }
  body = copy_buffer(header, &transfer->response.header);
  (void)copy_buffer(header + header_len, &transfer->response.body);
  http_close(transfer);
  lua_createtable(L, 0, 6);
  lua_createtable(L, 0, transfer->response.header_lines);
  add_headers(L, header, header_len);
  lua_setfield(L, -2, "headers");
  lua_pushlstring(L, body, body_len);
  lua_setfield(L, -2, "body");
  set_fields(L, transfer);
  lua_remove(L, -2); /* the copied bytes */
  return true;
}
