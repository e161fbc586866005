/*
** headers_lua.h: HTTP headers as a Lua table, the same for responses (client) and requests (server).
*/
#ifndef APIVIDEO_HEADERS_LUA_H
#define APIVIDEO_HEADERS_LUA_H

#include <stddef.h>

#include "compat.h"

/* Adds a header to the table at the top of the stack, under its lower-case name: a string, or an array of strings once
   the name repeats (the convention of ngx.req.get_headers). Copies both strings. The first allocation may run a
   finalizer before they are copied: their memory must be anchored on the stack, and must not be freed by any
   function that Lua code can call. Stack: [-0, +0, m]. */
void headers_add(lua_State *L, const char *name, size_t name_len, const char *value,
                 size_t value_len);

/* header(list, name) -> the first value of a header or nil, and the count of its values. The names in the list may have
   any case, and an array of values may begin at 0. Access is raw. Stack: [-0, +2, v]. */
int headers_get(lua_State *L);

#endif
