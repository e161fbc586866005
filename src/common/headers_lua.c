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

#define FIRST 3 /* stack index of the first value in headers_get */

/* Adds the item at the top, a value or an array of values, to those of a header: the first one is at index FIRST. Returns
   how many it has. Stack: [-0, +0, -]. */
static size_t add_values(lua_State *L) {
  size_t count = 1;
  if (lua_type(L, -1) == LUA_TTABLE) {
    count = compat_rawlen(L, -1);
    lua_rawgeti(L, -1, 0);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      lua_rawgeti(L, -1, 1);
    } else {
      count++;
    }
  } else {
    lua_pushvalue(L, -1);
  }
  if (lua_isnil(L, FIRST))
    lua_replace(L, FIRST);
  else
    lua_pop(L, 1);
  return count;
}

int headers_get(lua_State *L) {
  size_t name_len, len, count = 0;
  const char *const name = luaL_checklstring(L, 2, &name_len);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, FIRST);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    const char *key;
    if (lua_type(L, -2) != LUA_TSTRING)
      continue; /* lua_tolstring would convert a number, which lua_next needs */
    key = lua_tolstring(L, -2, &len);
    if (ascii_equal(key, len, name, name_len)) count += add_values(L);
  }
  compat_pushinteger(L, count);
  return 2;
}
