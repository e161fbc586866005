#ifndef APIVIDEO_HTTP_LUA_H
#define APIVIDEO_HTTP_LUA_H

#include "../common/compat.h"

/* Pushes the table of functions `apivideo.core.http`. Stack: [-0, +1, m]. */
void http_open(lua_State *L);

#endif
