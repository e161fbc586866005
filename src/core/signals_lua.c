/*
** apivideo.core.signals: SIGINT and SIGTERM for Lua.
**
**   catcher | nil, message = signals.catch()
**   fd = catcher:fd()          the descriptor to wait for
**   caught = catcher:caught()  whether a signal was caught since the last call; nil once it is closed, and in a
**                              forked child
**   catcher:close()
*/
#include "signals_lua.h"

#include <string.h>

#include "../common/lua_aux.h"
#include "signals.h"

#define CATCHER "apivideo.signals"

/* The catcher at index 1. Stack: [-0, +0, v]. */
static signals *check_catcher(lua_State *L) {
  return luaL_checkudata(L, 1, CATCHER);
}

/* catch() -> catcher | nil, message. Stack: [-0, +1|2, m]. */
static int catch_signals(lua_State *L) {
  signals *self = lua_newuserdata(L, sizeof *self);
  const char *problem;
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, CATCHER);
  lua_setmetatable(L, -2);
  problem = signals_open(self);
  if (problem == NULL) return 1;
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

/* catcher:fd() -> the descriptor. Stack: [-0, +1, v]. */
static int get_fd(lua_State *L) {
  lua_pushinteger(L, check_catcher(L)->fd);
  return 1;
}

/* catcher:caught() -> boolean | nil. Stack: [-0, +1, v]. */
static int caught(lua_State *L) {
  signals *self = check_catcher(L);
  if (signals_is_ours(self))
    lua_pushboolean(L, signals_caught(self));
  else
    lua_pushnil(L);
  return 1;
}

/* catcher:close(), __gc, __close. Stack: [-0, +0, v]. */
static int close_catcher(lua_State *L) {
  signals_close(check_catcher(L));
  return 0;
}

static const luaL_Reg methods[] = {
    {"fd", get_fd}, {"caught", caught}, {"close", close_catcher}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", close_catcher}, {"__close", close_catcher}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"catch", catch_signals}, {NULL, NULL}};

void signals_open_module(lua_State *L) {
  aux_new_class(L, CATCHER, methods, metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
}
