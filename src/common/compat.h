/*
** compat.h: the one file that knows Lua's versions.
** Lua 5.1, 5.2, 5.3, 5.4, 5.5 and LuaJIT 2.1 are built from one source against it.
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
/* The table that belongs to a userdata is its environment here. A fresh userdata shares its
   creator's, so it must be set before it is written to. */
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

/* Whole numbers that this Lua holds exactly: -COMPAT_INTEGER_MAX .. COMPAT_INTEGER_MAX. */
#if LUA_VERSION_NUM >= 503
#define COMPAT_INTEGER_MAX INT64_MAX
#define compat_pushinteger(L, n) lua_pushinteger(L, (lua_Integer)(n))
#else
#define COMPAT_INTEGER_MAX (INT64_C(1) << 53)
#define compat_pushinteger(L, n) lua_pushnumber(L, (lua_Number)(n))
#endif

#endif
