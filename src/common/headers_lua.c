/*
** HTTP headers as a Lua table: see headers_lua.h.
*/
#include "headers_lua.h"

#include <assert.h>

#include "ascii.h"

/* Pushes `name` in lower case. A name that is too long for the C stack is folded in a userdata: luaL_Buffer of Lua 5.1
   would use up to ten slots. Stack: [-0, +1, m]. */
static void push_lower(lua_State *L, const char *name, size_t len) {
  char small[64]; /* enough for almost any name */
  char *lower = len <= sizeof small ? small : lua_newuserdata(L, len);
  size_t i;
  for (i = 0; i < len; i++) lower[i] = ascii_lower(name[i]);
  lua_pushlstring(L, lower, len);
  if (lower != small) lua_remove(L, -2);
}

void headers_add(lua_State *L, const char *name, size_t name_len, const char *value,
                 size_t value_len) {
  const int headers = lua_gettop(L);
  assert(lua_istable(L, headers));
  luaL_checkstack(L, 5, "a header"); /* name, array, a copy of both, and one for push_lower */
  push_lower(L, name, name_len);
  lua_pushvalue(L, -1);
  lua_rawget(L, headers); /* name, previous value */
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushlstring(L, value, value_len);
    lua_rawset(L, headers);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) { /* the name's second value: the string becomes an array */
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1); /* name, array */
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, headers);
  }
  lua_pushlstring(L, value, value_len);
  lua_rawseti(L, -2, (int)compat_rawlen(L, -2) + 1);
  lua_settop(L, headers);
}
