/*
** signals_lua.h: apivideo.core.signals for Lua.
*/
#ifndef APIVIDEO_SIGNALS_LUA_H
#define APIVIDEO_SIGNALS_LUA_H

#include "../common/compat.h"

/* Pushes the table `apivideo.core.signals`: { catch }. Stack: [-0, +1, m]. */
void signals_open_module(lua_State *L);

#endif
