/*
** http_request_lua.h: a request as a Lua table. For http_lua.c alone.
*/
#ifndef APIVIDEO_HTTP_REQUEST_LUA_H
#define APIVIDEO_HTTP_REQUEST_LUA_H

#include "../common/compat.h"
#include "http.h"

/* Reads the request at index 2, but for its headers. The strings of `request` are those of the
   HTTP_REQUEST_SLOTS values that it leaves on the stack. Metamethods of the table may run any Lua code.
   Stack: [-0, +HTTP_REQUEST_SLOTS, e]. */
void http_request_read(lua_State *L, http_request *request);
#define HTTP_REQUEST_SLOTS 9

/* Adds the header lines of the array at `index`, which may be nil. NULL, or why not.
   Stack: [-0, +0, -]. */
const char *http_request_add_headers(lua_State *L, int index, http_transfer *transfer);

#endif
