/*
** Several threads, each with its own Lua state, use the same modules concurrently, under ThreadSanitizer (make
** check-threads), which reports shared state.
**
**   threads scenario.lua …
**
** The scenarios are those of spec/memory/oom.
*/
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define THREADS 4
#define ROUNDS 5

/* Creates a state with a scenario, or an error, at the bottom of its stack. */
static lua_State *load(const char *scenario, bool *loaded) {
  lua_State *const L = luaL_newstate();
  luaL_openlibs(L);
  *loaded = luaL_loadfile(L, scenario) == 0 && lua_pcall(L, 0, 1, 0) == 0;
  return L;
}

/* Calls a scenario several times in a new state. Returns NULL on success. */
static void *run(void *scenario) {
  bool loaded;
  int i;
  lua_State *const L = load(scenario, &loaded);
  void *failed = loaded ? NULL : L;
  for (i = 0; i < ROUNDS && failed == NULL; i++) {
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    if (lua_pcall(L, 0, 2, 0) != 0 || !lua_toboolean(L, 2)) failed = L;
  }
  if (failed != NULL) (void)fprintf(stderr, "%s: %s\n", (char *)scenario, lua_tostring(L, -1));
  lua_close(L);
  return failed;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  char **scenario;
  int passed = 0, failed = 0, i;
  (void)argc;
  for (scenario = argv + 1; *scenario != NULL; scenario++) {
    void *result, *bad = NULL;
    bool loaded;
    lua_State *const L = load(*scenario, &loaded); /* keeps the modules in the process */
    for (i = 0; i < THREADS; i++)
      if (pthread_create(&threads[i], NULL, run, *scenario) != 0) return 2;
    for (i = 0; i < THREADS; i++) {
      (void)pthread_join(threads[i], &result);
      if (result != NULL) bad = result;
    }
    if (bad == NULL)
      passed++;
    else
      failed++;
    lua_close(L);
  }
  printf("total: %d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
