/*
** versions_lua.h: the libraries that apivideo.core is linked with, as they are at run time.
*/
#ifndef APIVIDEO_VERSIONS_LUA_H
#define APIVIDEO_VERSIONS_LUA_H

#include "../common/compat.h"

/* Adds the function `libraries` to the table on top of the stack. Stack: [-0, +0, m]. */
void versions_add(lua_State *L);

#endif
