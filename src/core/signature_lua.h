#ifndef APIVIDEO_SIGNATURE_LUA_H
#define APIVIDEO_SIGNATURE_LUA_H

#include "../common/compat.h"

/* Pushes the table of functions `apivideo.core.signature`. Stack: [-0, +1]. */
void signature_open(lua_State *L);

#endif
