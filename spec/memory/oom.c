/*
** Runs a scenario with failing allocations: see tools/check-oom.
**
**   oom lua|c once|from|collect scenario.lua
**
** A scenario is a Lua file that returns a function, which returns true, or nil and an error. For n = 1, 2, 3 … a child
** process, in which everything is loaded, calls it while the n-th allocation fails, until a call has fewer allocations.
** After each call, the next one must succeed, and after lua_close there must be no leak.
*/
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "blocks.h"
#include "fast_functions.h"

#define CHILD_TIMEOUT_S 20
#define ALLOCATIONS_MAX 20000 /* of a scenario */
#define EXPLAINED_MAX 3       /* failures of a scenario that are explained */

/* Exit statuses of a child. */
enum { FINE, UNTOUCHED, BAD_ERROR, BAD_NEXT, BAD_LEFT };

static struct {
  blocks_layer layer;
  blocks_mode mode;
  const char *scenario;
  int nowhere;     /* /dev/null, for the children's output */
  long newest;     /* block before the state was created */
  int descriptors; /* their number at that time */
} run;

static int count_descriptors(void) {
  int count = 0;
  DIR *const directory = opendir("/proc/self/fd");
  if (directory == NULL) abort();
  while (readdir(directory) != NULL) count++;
  (void)closedir(directory);
  return count;
}

/* ---- a state ---- */

/* Creates a state with the scenario at the bottom of its stack. */
static lua_State *open_state(void) {
#if LUA_VERSION_NUM >= 505
  lua_State *const L = lua_newstate(blocks_lua, NULL, 1); /* the hash seed */
#else
  lua_State *const L = lua_newstate(blocks_lua, NULL);
#endif
  if (L == NULL) {
    (void)fprintf(stderr, "this Lua does not support allocators\n");
    exit(2);
  }
  luaL_openlibs(L);
  /* Lua 5.4's buffer for long strings is left inconsistent if its allocation fails. */
  (void)luaL_dostring(L, "('x'):rep(1e5)");
  /* LuaJIT's compiled code does not always handle a failure: it may continue without a value. */
  (void)luaL_dostring(L, "if jit then jit.off() end");
  if (luaL_loadfile(L, run.scenario) != 0 || lua_pcall(L, 0, 1, 0) != 0) {
    (void)fprintf(stderr, "%s\n", lua_tostring(L, -1));
    exit(2);
  }
  luaL_checkstack(L, LUA_MINSTACK, "scenario");
  return L;
}

/* Calls the scenario. Returns true, or false with its error on top of the stack. */
static bool call(lua_State *L, bool *raised) {
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  *raised = lua_pcall(L, 0, 2, 0) != 0;
  if (*raised) return false;
  return lua_toboolean(L, 2);
}

/* The value on top of the stack as text. */
static const char *text_of(lua_State *L) {
  if (lua_isstring(L, -1)) return lua_tostring(L, -1);
  lua_getglobal(L, "tostring");
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  return lua_tostring(L, -1);
}

/* Whether the error on top of the stack may be caused by a lack of memory. */
static bool is_memory_error(lua_State *L) {
  static const char *const texts[] = {"emory", "libcurl could not be initialized", "libcrypto", NULL};
  const char *const *text;
  for (text = texts; *text != NULL; text++)
    if (strstr(text_of(L), *text) != NULL) return true;
  return false;
}

/* ---- a child ---- */

/* Prints the backtrace of a signal, and raises the signal again. Some of the functions are not async-signal-safe,
   but at worst the output is incomplete. */
/* NOLINTBEGIN(bugprone-signal-handler,cert-msc54-cpp,cert-sig30-c) */
static void on_signal(int number) {
  void *trace[40] = {NULL};
  (void)blocks_relent();
  (void)signal(number, SIG_DFL);
  (void)signal(SIGALRM, SIG_DFL);
  (void)alarm(2); /* the backtrace may hang */
  (void)fprintf(stderr, "  signal %d (%s):\n", number, strsignal(number));
  blocks_print_trace(trace, backtrace(trace, 40));
  (void)raise(number);
}
/* NOLINTEND(bugprone-signal-handler,cert-msc54-cpp,cert-sig30-c) */

static void catch_signals(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM};
  size_t i;
  for (i = 0; i < sizeof numbers / sizeof *numbers; i++) (void)signal(numbers[i], on_signal);
}

/* Closes the state. Returns whether it has leaked. */
static bool has_leaked(lua_State *L, bool explain) {
  long blocks;
  int descriptors;
  lua_close(L);
  descriptors = count_descriptors() - run.descriptors;
  blocks = blocks_left(run.newest, explain);
  if (explain)
    (void)fprintf(stderr, "  left: %ld C blocks, %zu bytes of Lua, %d descriptors\n", blocks,
                  blocks_lua_bytes(), descriptors);
  return blocks > 0 || blocks_lua_bytes() > 0 || descriptors > 0;
}

/* Calls the scenario with the n-th allocation failing, and once more without a failure. Returns the exit status. */
static int attempt(lua_State *L, long n, bool explain) {
  bool raised, struck;
  int fault = FINE;
  catch_signals();
  (void)alarm(CHILD_TIMEOUT_S);
  blocks_keep_traces();
  blocks_fail(run.layer, run.mode, n, explain);
  if (!call(L, &raised)) {
    struck = blocks_relent();
    if (explain) (void)fprintf(stderr, "  %s: %s\n", raised ? "raised" : "returned", text_of(L));
    if (!struck || (raised && !is_memory_error(L))) fault = BAD_ERROR;
  } else {
    struck = blocks_relent();
  }
  if (!call(L, &raised)) {
    if (explain)
      (void)fprintf(stderr, "  then %s: %s\n", raised ? "raised" : "returned", text_of(L));
    if (fault == FINE) fault = BAD_NEXT;
  }
  if (has_leaked(L, explain) && fault == FINE) fault = BAD_LEFT;
  if (fault != FINE) return fault;
  return struck ? FINE : UNTOUCHED;
}

/* ---- the parent ---- */

/* Runs the n-th attempt in a child. Returns its status from waitpid. */
static int fork_attempt(lua_State *L, long n, bool explain) {
  int status;
  const pid_t child = fork();
  if (child == 0) {
    if (!explain) (void)dup2(run.nowhere, STDERR_FILENO);
    _exit(attempt(L, n, explain));
  }
  (void)waitpid(child, &status, 0);
  return status;
}

/* Lets the libraries allocate what they keep for the process, so that it does not count as a leak. */
static void warm_up(void) {
  void *trace[1];
  int i;
  bool raised;
  lua_State *const L = open_state();
  (void)backtrace(trace, 1); /* the first call loads a library */
  for (i = 0; i < 2; i++) {
    if (call(L, &raised)) continue;
    (void)fprintf(stderr, "%s fails without a failing allocation: %s\n", run.scenario, text_of(L));
    exit(2);
  }
  lua_close(L);
}

int main(int argc, char **argv) {
  static const char *const modes[] = {"once", "from", "collect"};
  static const char *const ends[] = {"fine", "untouched", "an error that is not about memory",
                                     "the next call fails", "a leak"};
  long n, bad = 0;
  int status = 0;
  lua_State *L;
  if (argc != 4) return 2;
  run.layer = strcmp(argv[1], "c") == 0 ? BLOCKS_C : BLOCKS_LUA;
  while (strcmp(modes[run.mode], argv[2]) != 0) run.mode++;
  run.scenario = argv[3];
  run.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  warm_up();
  warm_up();
  fast_functions_learn();
  run.newest = blocks_newest();
  run.descriptors = count_descriptors();
  L = open_state();
  if (WEXITSTATUS(fork_attempt(L, ALLOCATIONS_MAX, false)) != UNTOUCHED) {
    (void)fprintf(stderr,
                  "%s leaks without a failing allocation, or makes more than %d allocations\n",
                  run.scenario, ALLOCATIONS_MAX);
    (void)fork_attempt(L, ALLOCATIONS_MAX, true);
    return 2;
  }
  for (n = 1; n < ALLOCATIONS_MAX && (!WIFEXITED(status) || WEXITSTATUS(status) != UNTOUCHED);
       n++) {
    status = fork_attempt(L, n, false);
    if (WIFEXITED(status) && WEXITSTATUS(status) <= UNTOUCHED) continue;
    if (++bad > EXPLAINED_MAX) continue;
    if (WIFEXITED(status))
      (void)fprintf(stderr, "%s, allocation %ld: %s\n", run.scenario, n, ends[WEXITSTATUS(status)]);
    else
      (void)fprintf(stderr, "%s, allocation %ld: signal %d\n", run.scenario, n, WTERMSIG(status));
    (void)fork_attempt(L, n, true);
  }
  lua_close(L);
  printf("%ld tried, %ld failed\n", n - 2, bad);
  return bad == 0 ? 0 : 1;
}
