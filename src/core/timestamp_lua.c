/*
** apivideo.core.timestamp: timestamp(any) -> seconds, nanoseconds | nil.
*/
#include "timestamp_lua.h"

#include "timestamp.h"

/* timestamp(any) -> seconds since 1970, nanoseconds; nil for anything but an RFC 3339 string.
   Stack: [-0, +1|2, -]. */
static int timestamp(lua_State *L) {
  int64_t seconds;
  int32_t nanoseconds;
  size_t len;
  const char *const text = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
  if (text == NULL || !timestamp_parse(text, len, &seconds, &nanoseconds)) {
    lua_pushnil(L);
    return 1;
  }
  compat_pushinteger(L, seconds);
  compat_pushinteger(L, nanoseconds);
  return 2;
}

void timestamp_open(lua_State *L) {
  lua_pushcfunction(L, timestamp);
}
