/*
** timestamp_lua.h: apivideo.core.timestamp for Lua.
*/
#ifndef APIVIDEO_TIMESTAMP_LUA_H
#define APIVIDEO_TIMESTAMP_LUA_H

#include "../common/compat.h"

/* Pushes the function `apivideo.core.timestamp`. Stack: [-0, +1, m]. */
void timestamp_open(lua_State *L);

#endif
