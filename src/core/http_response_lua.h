/*
** http_response_lua.h: a response as a Lua table. For http_lua.c only.
*/
#ifndef APIVIDEO_HTTP_RESPONSE_LUA_H
#define APIVIDEO_HTTP_RESPONSE_LUA_H

#include <stdbool.h>

#include "../common/compat.h"
#include "http.h"

/* Pushes the response of a finished transfer and closes the transfer. Its userdata is on the stack.
   Pushes nothing and returns false when a finalizer has closed it in between. Stack: [-0, +0|1, m]. */
bool http_response_push(lua_State *L, http_transfer *transfer);

#endif
