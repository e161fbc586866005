/*
** wake_lua.h: apivideo.core.wake, a thread that wakes an event loop.
*/
#ifndef APIVIDEO_WAKE_LUA_H
#define APIVIDEO_WAKE_LUA_H

#include "../common/compat.h"

/* Pushes the module table. Stack: [-0, +1, m]. */
void wake_open_module(lua_State *L);

#endif
