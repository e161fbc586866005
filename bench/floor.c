/*
** floor: the floor of a signed delivery in nginx for bench/nginx.lua: verification and parsing in one C call.
*/
#include <lauxlib.h>
#include <lua.h>

/* floor(body, signature) calls its upvalues: verify(body, signature, secret), and parse(body). Stack: [-0, +0, v]. */
static int call_both(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_call(L, 3, 1);
  if (!lua_toboolean(L, -1)) return luaL_error(L, "the signature is invalid");
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  if (!lua_istable(L, -1)) return luaL_error(L, "the body is invalid");
  return 0;
}

/* new(verify, parse, secret) -> floor. Stack: [-0, +1, m]. */
static int new_floor(lua_State *L) {
  lua_settop(L, 3);
  lua_pushcclosure(L, call_both, 3);
  return 1;
}

int luaopen_floor(lua_State *L);

int luaopen_floor(lua_State *L) {
  lua_pushcfunction(L, new_floor);
  return 1;
}
