/*
** system_lua.h: functions of apivideo.core about this process and files.
*/
#ifndef APIVIDEO_SYSTEM_LUA_H
#define APIVIDEO_SYSTEM_LUA_H

#include "../common/compat.h"

/* Sets the functions in the table at the top. Stack: [-0, +0, m]. */
void system_add(lua_State *L);

#endif
