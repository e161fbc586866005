/*
** http_request_lua.h: a request as a Lua table. For http_lua.c only.
*/
#ifndef APIVIDEO_HTTP_REQUEST_LUA_H
#define APIVIDEO_HTTP_REQUEST_LUA_H

#include "../common/compat.h"
#include "http.h"

/* Reads the request at index 2, except its header lines. The strings of `request` belong to the
   HTTP_REQUEST_SLOTS values that it pushes; the last of these is the array of header lines, or nil. Metamethods
   of the table may run any Lua code. Stack: [-0, +HTTP_REQUEST_SLOTS, e]. */
void http_request_read(lua_State *L, http_request *request);
#define HTTP_REQUEST_SLOTS 9

/* Adds the header lines of the array at `index`, which may be nil. Returns NULL, or the problem. Stack: [-0, +0, -]. */
const char *http_request_add_headers(lua_State *L, int index, http_transfer *transfer);

#endif
