/*
** What lauxlib lacks: see lua_aux.h.
*/
#include "lua_aux.h"

#include <assert.h>
#include <string.h>

void aux_new_class(lua_State *L, const char *name, const luaL_Reg *methods,
                   const luaL_Reg *metamethods) {
  (void)luaL_newmetatable(L, name);
  compat_setfuncs(L, metamethods);
  lua_newtable(L);
  compat_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int aux_type_error(lua_State *L, int index, const char *expected) {
  return luaL_argerror(
      L, index, lua_pushfstring(L, "%s expected, got %s", expected, luaL_typename(L, index)));
}

lua_Integer aux_check_integer(lua_State *L, int index, lua_Integer low, lua_Integer high) {
  const lua_Number value = luaL_checknumber(L, index);
  /* False for NaN. Only a value within the range may be converted. */
  if (!(value >= (lua_Number)low && value <= (lua_Number)high) ||
      (lua_Number)(lua_Integer)value != value)
    luaL_argerror(L, index,
                  lua_pushfstring(L, "whole number from %d to %d expected", (int)low, (int)high));
  return (lua_Integer)value;
}

int aux_bytes_error(lua_State *L, int index, const char *name) {
  return luaL_argerror(L, index,
                       lua_pushfstring(L,
                                       "%s (string) expected, got %s: pass the bytes as they "
                                       "arrived, not a decoded table",
                                       name, luaL_typename(L, index)));
}

const char *aux_string_field(lua_State *L, int index, const char *name, bool optional,
                             size_t *len) {
  assert(index > 0);
  lua_getfield(L, index, name);
  if (lua_type(L, -1) == LUA_TSTRING) return lua_tolstring(L, -1, len);
  if (!optional || !lua_isnil(L, -1))
    luaL_error(L, "field \"%s\" must be a string, got %s", name, luaL_typename(L, -1));
  return NULL;
}

const char *aux_plain_field(lua_State *L, int index, const char *name, bool optional) {
  size_t len = 0;
  const char *text = aux_string_field(L, index, name, optional, &len);
  if (text != NULL && strlen(text) != len)
    luaL_error(L, "field \"%s\" must not contain a NUL byte", name);
  return text;
}

long aux_number_field(lua_State *L, int index, const char *name, double unit) {
  double value;
  assert(index > 0);
  lua_getfield(L, index, name);
  value = lua_tonumber(L, -1) * unit;
  /* False for NaN. */
  if (lua_type(L, -1) != LUA_TNUMBER || !(value >= 1 && value <= 2147483647.0))
    luaL_error(L, "field \"%s\" must be a positive number within 32 bits", name);
  lua_pop(L, 1);
  return (long)value;
}

bool aux_boolean_field(lua_State *L, int index, const char *name, bool absent) {
  bool value;
  assert(index > 0);
  lua_getfield(L, index, name);
  if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
    luaL_error(L, "field \"%s\" must be a boolean, got %s", name, luaL_typename(L, -1));
  value = lua_isnil(L, -1) ? absent : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}
