/*
** Detects allocations of LuaJIT's fast functions: see fast_functions.h. LuaJIT's library has no symbols for its
** interpreter, so the places are return addresses, learned from calls in a separate state.
*/
#include "fast_functions.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#ifdef LUA_JITLIBNAME

#define TRACE 30
#define PLACES_MAX 16

static struct {
  void *places[PLACES_MAX];
  int count;
  bool learning;
} known;

static bool is_known(const void *place) {
  int i;
  for (i = 0; i < known.count; i++)
    if (known.places[i] == place) return true;
  return false;
}

static bool is_in_pcall(const void *place) {
  Dl_info info;
  return dladdr(place, &info) != 0 && info.dli_sname != NULL &&
         strcmp(info.dli_sname, "lua_pcall") == 0;
}

/* Records the return address in the interpreter: the frame that lua_pcall has called. */
static void learn(void) {
  void *trace[TRACE];
  const int length = backtrace(trace, TRACE);
  int i;
  for (i = 1; i < length; i++) {
    if (!is_in_pcall(trace[i])) continue;
    if (!is_known(trace[i - 1]) && known.count < PLACES_MAX)
      known.places[known.count++] = trace[i - 1];
    return;
  }
}

static void *allocate(void *context, void *block, size_t old_size, size_t new_size) {
  (void)context;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  if (known.learning && new_size > old_size) learn();
  return realloc(block, new_size);
}

/* Calls a Lua function with arguments, while return addresses are recorded. */
static void call(lua_State *L, const char *function, const char *arguments) {
  if (luaL_dostring(L, function) != 0 || luaL_dostring(L, arguments) != 0) abort();
  known.learning = true;
  if (lua_pcall(L, lua_gettop(L) - 1, 0, 0) != 0) abort();
  known.learning = false;
  lua_settop(L, 0);
}

void fast_functions_learn(void) {
  static const char *const calls[][2] = {
      {"return string.char", "return 200, 201"},
      {"return string.reverse", "return ('ab'):rep(1000)"},
      {"return string.lower", "return ('AB'):rep(2000)"},
      {"return string.upper", "return ('ab'):rep(3000)"},
      {"return string.sub", "return ('ab'):rep(10), 2"},
      {"return tostring", "return 1.25"},
  };
  size_t i;
  lua_State *const L = lua_newstate(allocate, NULL);
  if (L == NULL) abort();
  luaL_openlibs(L);
  for (i = 0; i < sizeof calls / sizeof *calls; i++) call(L, calls[i][0], calls[i][1]);
  lua_close(L);
  if (known.count == 0) abort(); /* nothing was recorded, so no allocation would be recognized */
}

bool fast_functions_allocate(void) {
  void *trace[TRACE];
  const int length = backtrace(trace, TRACE);
  int i;
  for (i = 0; i < length; i++)
    if (is_known(trace[i])) return true;
  return false;
}

#else

void fast_functions_learn(void) {}

bool fast_functions_allocate(void) {
  return false;
}

#endif
