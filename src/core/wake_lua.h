/*
** wake_lua.h: apivideo.core.wake, a thread that wakes an event loop.
*/
#ifndef APIVIDEO_WAKE_LUA_H
#define APIVIDEO_WAKE_LUA_H

#include "../common/compat.h"
#include "wake.h"

/* Returns the wake at `index`; raises an error if it is closed, or another process opened it. Stack: [-0, +0, v]. */
wake *wake_check(lua_State *L, int index);
/* Pushes the module table. Stack: [-0, +1, m]. */
void wake_open_module(lua_State *L);

#endif
