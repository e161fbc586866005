/*
** compat.h: the only file that depends on the version of Lua: 5.1, 5.2, 5.3, 5.4, 5.5 or LuaJIT 2.1.
*/
#ifndef APIVIDEO_COMPAT_H
#define APIVIDEO_COMPAT_H

#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#define APIVIDEO_EXPORT __attribute__((visibility("default")))

#if LUA_VERSION_NUM >= 504
#define compat_getuservalue(L, i) ((void)lua_getiuservalue(L, i, 1))
#define compat_setuservalue(L, i) ((void)lua_setiuservalue(L, i, 1))
#elif LUA_VERSION_NUM >= 502
#define compat_getuservalue(L, i) lua_getuservalue(L, i)
#define compat_setuservalue(L, i) lua_setuservalue(L, i)
#else
/* Here, the table of a userdata is its environment. A new userdata shares the environment of the function that
   created it, so a table of its own must be set before anything is stored. */
#define compat_getuservalue(L, i) lua_getfenv(L, i)
#define compat_setuservalue(L, i) ((void)lua_setfenv(L, i))
#endif

#if LUA_VERSION_NUM >= 502
#define compat_rawlen(L, i) ((size_t)lua_rawlen(L, i))
#define compat_setfuncs(L, functions) luaL_setfuncs(L, functions, 0)
#else
#define compat_rawlen(L, i) ((size_t)lua_objlen(L, i))
#define compat_setfuncs(L, functions) luaL_register(L, NULL, functions)
#endif

/* Whether the running coroutine may yield; only to be called if COMPAT_HAS_ISYIELDABLE. Lua 5.1 and 5.2 lack it. LuaJIT
   2.1 has it, also when it loads a module that was built with the headers of Lua 5.1: so the symbol is weak. */
#if LUA_VERSION_NUM >= 503
#define COMPAT_HAS_ISYIELDABLE true
#else
extern int lua_isyieldable(lua_State *L) __attribute__((weak));
#define COMPAT_HAS_ISYIELDABLE (lua_isyieldable != NULL)
#endif

/* Calls a function with a pointer in protected mode; allocates nothing before. Stack: [-0, +(0|1), -]. */
#if LUA_VERSION_NUM >= 502
static inline int compat_cpcall(lua_State *L, lua_CFunction fn, void *argument) {
  lua_pushcfunction(L, fn);
  lua_pushlightuserdata(L, argument);
  return lua_pcall(L, 1, 0, 0);
}
#else
#define compat_cpcall(L, fn, argument) lua_cpcall(L, fn, argument)
#endif

/* This Lua represents the whole numbers from -COMPAT_INTEGER_MAX to COMPAT_INTEGER_MAX exactly. */
#if LUA_VERSION_NUM >= 503
#define COMPAT_INTEGER_MAX INT64_MAX
#define compat_pushinteger(L, n) lua_pushinteger(L, (lua_Integer)(n))
#else
#define COMPAT_INTEGER_MAX (INT64_C(1) << 53)
#define compat_pushinteger(L, n) lua_pushnumber(L, (lua_Number)(n))
#endif

#endif
