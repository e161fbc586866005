/*
** event_push: creates the tables of events without parsing: the minimum for any parser in bench/event.lua.
*/
#include <lauxlib.h>
#include <lua.h>

/* push({ name, value, name, value, … }, count) -> a table of new strings, as a parser creates it. Stack: [-0, +1,
   m]. */
static int push(lua_State *L) {
  int i;
  const int count = (int)lua_tointeger(L, 2);
  lua_createtable(L, 0, count);
  for (i = 1; i <= count; i++) {
    size_t length;
    const char *value;
    lua_rawgeti(L, 1, 2 * i - 1);
    lua_rawgeti(L, 1, 2 * i);
    value = lua_tolstring(L, -1, &length);
    lua_pop(L, 1); /* the list references it */
    lua_pushlstring(L, value, length);
    lua_rawset(L, -3);
  }
  return 1;
}

int luaopen_event_push(lua_State *L);

int luaopen_event_push(lua_State *L) {
  lua_pushcfunction(L, push);
  return 1;
}
