/*
** http_lua.h: the Lua module apivideo.core.http.
*/
#ifndef APIVIDEO_HTTP_LUA_H
#define APIVIDEO_HTTP_LUA_H

#include "../common/compat.h"

/* Pushes the table `apivideo.core.http`: { new }. Stack: [-0, +1, m]. */
void http_open(lua_State *L);

#endif
