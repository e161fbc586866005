/*
** event_lua.h: apivideo.core.event for Lua.
*/
#ifndef APIVIDEO_EVENT_LUA_H
#define APIVIDEO_EVENT_LUA_H

#include "../common/compat.h"

/* Pushes the table `apivideo.core.event`: { compile }. Pops the metatable of lists. Stack: [-1, +1, m]. */
void event_open(lua_State *L);

#endif
