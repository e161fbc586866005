#ifndef APIVIDEO_ARGUMENTS_LUA_H
#define APIVIDEO_ARGUMENTS_LUA_H

#include "compat.h"

/*
** Returns the whole number at `index`; raises an argument error for anything else, NaN, a fraction or a
** number outside low..high included: C leaves the conversion of such a double to an integer undefined.
** Stack: [-0, +0, v].
*/
lua_Integer arguments_check_integer(lua_State *L, int index, lua_Integer low, lua_Integer high);

#endif
