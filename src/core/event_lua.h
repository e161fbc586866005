#ifndef APIVIDEO_EVENT_LUA_H
#define APIVIDEO_EVENT_LUA_H

#include "../common/compat.h"

/* Pushes the table of functions `apivideo.core.event`. Stack: [-0, +1]. */
void event_open(lua_State *L);

#endif
