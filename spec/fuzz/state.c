/*
** A Lua state for the fuzz targets: see state.h.
*/
#include "state.h"

#include <stdio.h>
#include <stdlib.h>

#include <lualib.h>

int luaopen_apivideo_core(lua_State *L);
int luaopen_apivideo_core_http(lua_State *L);
const char *__asan_default_options(void);

/* Without a limit, freed memory that is kept to find its late users slows everything down. */
__attribute__((visibility("default"))) const char *__asan_default_options(void) {
  return "quarantine_size_mb=16";
}

void fuzz_fail(const char *what, const char *file, int line) {
  (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}

/* Adds where an error was raised. Stack: [-1, +1]. */
static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

/* Ends the process with the error on top of the stack. */
static void fail(lua_State *L) {
  (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
  abort();
}

/* Makes a module one that can be required. Stack: [-0, +0]. */
static void preload(lua_State *L, const char *name, lua_CFunction open) {
  (void)luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

lua_State *fuzz_open(const char *script, const char *module, lua_CFunction open) {
  static const char path[] = "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path";
  lua_State *L = luaL_newstate();
  if (L == NULL) abort();
  luaL_openlibs(L);
  preload(L, "apivideo.core", luaopen_apivideo_core);
  preload(L, "apivideo.core.http", luaopen_apivideo_core_http);
  if (module != NULL) preload(L, module, open);
  if (luaL_dostring(L, path) || luaL_dofile(L, script)) fail(L);
  return L;
}

void fuzz_run(lua_State *L, const uint8_t *data, size_t size) {
  const int top = lua_gettop(L);
  lua_pushcfunction(L, traceback);
  lua_pushvalue(L, 1);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, top + 1) != LUA_OK) fail(L);
  lua_settop(L, top);
}
