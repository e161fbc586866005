/*
** Readers of Lua arguments that lauxlib lacks.
*/
#include "arguments_lua.h"

lua_Integer arguments_check_integer(lua_State *L, int index, lua_Integer low, lua_Integer high) {
  const lua_Number value = luaL_checknumber(L, index);
  /* The comparison is false for NaN; only a value within it may be converted. */
  if (!(value >= (lua_Number)low && value <= (lua_Number)high) ||
      (lua_Number)(lua_Integer)value != value)
    luaL_argerror(L, index,
                  lua_pushfstring(L, "whole number from %d to %d expected", (int)low, (int)high));
  return (lua_Integer)value;
}
