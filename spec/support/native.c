/*
** System calls for specs: fork, a second thread, setenv. It declares the Lua functions itself, so that one build
** works with all Luas: their ABI is the same where lua_Integer has 64 bits.
*/
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct lua_State lua_State;
typedef int (*function)(lua_State *L);
extern void lua_pushinteger(lua_State *L, long long n);
extern const char *luaL_checklstring(lua_State *L, int index, size_t *len);
extern long long luaL_checkinteger(lua_State *L, int index);
extern void lua_pushcclosure(lua_State *L, function fn, int n);
extern void lua_createtable(lua_State *L, int array, int record);
extern void lua_setfield(lua_State *L, int index, const char *name);

static pthread_t second;

static int native_fork(lua_State *L) {
  lua_pushinteger(L, fork());
  return 1;
}

static void *rest(void *unused) {
  for (;;) (void)pause();
  return unused;
}

static int native_thread(lua_State *L) {
  (void)L;
  (void)pthread_create(&second, NULL, rest, NULL);
  return 0;
}

/* Sends a signal to the second thread. */
static int native_signal_thread(lua_State *L) {
  (void)pthread_kill(second, (int)luaL_checkinteger(L, 1));
  return 0;
}

static int native_getpid(lua_State *L) {
  lua_pushinteger(L, (long long)getpid());
  return 1;
}

/* Ends the process without closing anything. */
static int native_exit(lua_State *L) {
  _exit((int)luaL_checkinteger(L, 1));
}

static int native_setenv(lua_State *L) {
  (void)setenv(luaL_checklstring(L, 1, NULL), luaL_checklstring(L, 2, NULL), 1);
  return 0;
}

static void add(lua_State *L, const char *name, function fn) {
  lua_pushcclosure(L, fn, 0);
  lua_setfield(L, -2, name);
}

int luaopen_native(lua_State *L);

int luaopen_native(lua_State *L) {
  lua_createtable(L, 0, 6);
  add(L, "setenv", native_setenv);
  add(L, "fork", native_fork);
  add(L, "thread", native_thread);
  add(L, "signal_thread", native_signal_thread);
  add(L, "getpid", native_getpid);
  add(L, "exit", native_exit);
  return 1;
}
