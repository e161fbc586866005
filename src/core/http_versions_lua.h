/*
** http_versions_lua.h: the versions of the libraries, as they are at run time.
*/
#ifndef APIVIDEO_HTTP_VERSIONS_LUA_H
#define APIVIDEO_HTTP_VERSIONS_LUA_H

#include "../common/compat.h"

/* Adds the function `libraries` to the table on top of the stack. Stack: [-0, +0, m]. */
void http_versions_add(lua_State *L);

#endif
