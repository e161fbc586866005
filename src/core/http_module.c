/*
** apivideo.core.http: the only module that is linked with libcurl. See core.c.
*/
#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "http_lua.h"
#include "http_versions_lua.h"

APIVIDEO_EXPORT int luaopen_apivideo_core_http(lua_State *L);

/* Pushes the module: { new, libraries }. Stack: [-0, +1, m]. */
int luaopen_apivideo_core_http(lua_State *L) {
  pin_module();
  http_open(L);
  http_versions_add(L);
  return 1;
}
