/*
** apivideo.core: the C half of the library. Opening it creates tables of functions only: no socket, no thread, no
** pool, because nginx requires modules before it forks.
*/
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "../common/compat_openssl.h"
#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "event_lua.h"
#include "http_lua.h"
#include "json_lua.h"
#include "signals_lua.h"
#include "signature_lua.h"
#include "timestamp_lua.h"

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

/* process_id() -> the id of this process: an object that was opened under another id was inherited by fork.
   Stack: [-0, +1, -]. */
static int core_process_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)getpid());
  return 1;
}

/* file_id(path) -> a string that is equal for two paths of the same file; nil if the file does not exist or cannot be
   examined. Does not open the file: closing it would release the process's POSIX locks on it.
   Stack: [-0, +1, v]. */
static int core_file_id(lua_State *L) {
  struct stat status;
  char id[64];
  if (stat(luaL_checkstring(L, 1), &status) != 0) {
    lua_pushnil(L);
    return 1;
  }
  (void)snprintf(id, sizeof id, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
  lua_pushstring(L, id);
  return 1;
}

/* is_terminal(fd) -> whether a descriptor of this process is a terminal. Stack: [-0, +1, v]. */
static int core_is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

static const luaL_Reg functions[] = {{"now", core_now},
                                     {"monotonic", core_monotonic},
                                     {"random", core_random},
                                     {"base64", core_base64},
                                     {"process_id", core_process_id},
                                     {"file_id", core_file_id},
                                     {"is_terminal", core_is_terminal},
                                     {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_core(lua_State *L);

/* Pushes the module: { now, monotonic, random, base64, process_id, file_id, is_terminal, http, json, event, signature,
   signals, timestamp }. Raises an error if libcrypto is too old. Stack: [-0, +1, v]. */
int luaopen_apivideo_core(lua_State *L) {
  if (OpenSSL_version_num() < COMPAT_OPENSSL_FLOOR)
    return luaL_error(L, "apivideo: " COMPAT_OPENSSL_TOO_OLD, OpenSSL_version(OPENSSL_VERSION));
  pin_module();
  lua_createtable(L, 0, 13);
  compat_setfuncs(L, functions);
  http_open(L);
  lua_setfield(L, -2, "http");
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
  return 1;
}
