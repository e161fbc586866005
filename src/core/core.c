/*
** apivideo.core: the C half of the library. Opening it creates tables of functions only: no socket, no thread, no
** pool, because nginx requires modules before it forks.
**
** Its field `http` is a module of its own, which is loaded at the first use: libcurl and what it is linked with take most
** of the time in which a program starts, and a program that only receives events does not need them.
*/
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "../common/compat_openssl.h"
#include "../common/headers_lua.h"
#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "event_lua.h"
#include "json_lua.h"
#include "signals_lua.h"
#include "signature_lua.h"
#include "system_lua.h"
#include "timestamp_lua.h"
#include "wake_lua.h"

#define BASE64_MAX (1 << 20) /* bytes: libcrypto takes an int */

/* Pushes the time of `clock` in seconds. Stack: [-0, +1, -]. */
static int push_clock(lua_State *L, clockid_t clock) {
  struct timespec time = {0, 0};
  (void)clock_gettime(clock, &time);
  lua_pushnumber(L, (lua_Number)time.tv_sec + (lua_Number)time.tv_nsec / 1e9);
  return 1;
}

/* now() -> seconds since 1970, with a fraction. Stack: [-0, +1, -]. */
static int core_now(lua_State *L) {
  return push_clock(L, CLOCK_REALTIME);
}

/* monotonic() -> seconds since an unspecified start; never decreases. Stack: [-0, +1, -]. */
static int core_monotonic(lua_State *L) {
  return push_clock(L, CLOCK_MONOTONIC);
}

/* random(n) -> a string of n random bytes, 256 at most. Stack: [-0, +1, v]. */
static int core_random(lua_State *L) {
  unsigned char bytes[256];
  const lua_Integer n = aux_check_integer(L, 1, 0, (lua_Integer)sizeof bytes);
  if (RAND_bytes(bytes, (int)n) != 1) {
    ERR_clear_error(); /* or a later TLS error in this thread is reported as this one */
    return luaL_error(L, "libcrypto failed to generate random bytes");
  }
  lua_pushlstring(L, (const char *)bytes, (size_t)n);
  return 1;
}

/* base64(bytes) -> their base64 (RFC 4648), with padding. Stack: [-0, +1, v]. */
static int core_base64(lua_State *L) {
  size_t len;
  const char *const bytes = aux_check_bytes(L, 1, "bytes", &len);
  char *encoded;
  luaL_argcheck(L, len <= BASE64_MAX, 1, "at most 1 MiB expected");
  encoded = lua_newuserdata(L, (len + 2) / 3 * 4 + 1);
  lua_pushlstring(
      L, encoded,
      (size_t)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)bytes, (int)len));
  return 1;
}

/* is_yieldable() -> whether the running coroutine may yield here; nil where this Lua cannot tell. Stack: [-0, +1, -]. */
static int core_is_yieldable(lua_State *L) {
  if (COMPAT_HAS_ISYIELDABLE)
    lua_pushboolean(L, lua_isyieldable(L));
  else
    lua_pushnil(L);
  return 1;
}

#define HTTP "apivideo.core.http"

/* Loads the module `http`. Its upvalue is `require`. Lua 5.1 and LuaJIT mark a module whose loading has failed, and would
   not try again. Stack: [-0, +1, e]. */
static int load_http(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushliteral(L, HTTP);
  if (lua_pcall(L, 1, 1, 0) == 0) return 1;
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_pushnil(L);
  lua_setfield(L, -2, HTTP);
  lua_pop(L, 1);
  return lua_error(L);
}

/* The __index of the module: (core, name) -> core.http, which it sets; nil for any other name. Stack: [-0, +1, e]. */
static int core_index(lua_State *L) {
  const char *const name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(name, "http") != 0) return 0;
  (void)load_http(L);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {{"now", core_now},
                                     {"monotonic", core_monotonic},
                                     {"random", core_random},
                                     {"base64", core_base64},
                                     {"is_yieldable", core_is_yieldable},
                                     {"header", headers_get},
                                     {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_core(lua_State *L);

/* Pushes the module: { now, monotonic, random, base64, header, is_yieldable, process_id, file_id, file_mode, free_bytes,
   json, event, signature, signals, timestamp, wake }, and http at its first use. Raises an error if libcrypto is too
   old. Stack: [-0, +1, v]. */
int luaopen_apivideo_core(lua_State *L) {
  if (OpenSSL_version_num() < COMPAT_OPENSSL_FLOOR)
    return luaL_error(L, "apivideo: " COMPAT_OPENSSL_TOO_OLD, OpenSSL_version(OPENSSL_VERSION));
  pin_module();
  lua_createtable(L, 0, 24);
  compat_setfuncs(L, functions);
  system_add(L);
  json_open(L);
  lua_getfield(L, -1, "list");
  event_open(L);
  lua_setfield(L, -3, "event");
  lua_setfield(L, -2, "json");
  signature_open(L);
  lua_setfield(L, -2, "signature");
  signals_open_module(L);
  lua_setfield(L, -2, "signals");
  timestamp_open(L);
  lua_setfield(L, -2, "timestamp");
  wake_open_module(L);
  lua_setfield(L, -2, "wake");
  lua_createtable(L, 0, 1);
  lua_getglobal(L, "require");
  lua_pushcclosure(L, core_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  return 1;
}
