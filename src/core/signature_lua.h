/*
** signature_lua.h: apivideo.core.signature for Lua.
*/
#ifndef APIVIDEO_SIGNATURE_LUA_H
#define APIVIDEO_SIGNATURE_LUA_H

#include "../common/compat.h"

/* Pushes the table `apivideo.core.signature`: { sign, verify, hmac }. Stack: [-0, +1, m]. */
void signature_open(lua_State *L);

#endif
