/*
** A thread with a Lua state: see thread.h.
**
** All Lua runs in a protected call. After an error, an error of memory included, the state can be used again. A module
** that cannot be loaded is an error of the request, and the next request loads it again, in a new state: Lua 5.1 and
** LuaJIT mark modules whose loading has failed, and report the mark instead of the reason from then on.
*/
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/compat.h"

#include <lualib.h>

#include "values.h"

#define STACK_BYTES (4u << 20) /* the default of some systems is too small for Lua's limits */

/* What one protected call needs. */
typedef struct call {
  const thread *self;
  const message *request; /* NULL at the end */
  bool is_loaded;         /* the handler */
  message *result;
} call;

static const char handler_key = 0; /* its address is the key of the handler in the registry */

/* Pushes the handler: loads it at the first time. Stack: [-0, +1, e]. */
static void push_handler(lua_State *L, const thread *self) {
  const char *const module = self->names;
  const char *const path = module + strlen(module) + 1;
  lua_pushlightuserdata(L, (void *)(uintptr_t)&handler_key);
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_pushstring(L, path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, path + strlen(path) + 1);
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
  luaL_checktype(L, -1, LUA_TFUNCTION);
  lua_pushlightuserdata(L, (void *)(uintptr_t)&handler_key);
  lua_pushvalue(L, -2);
  lua_rawset(L, LUA_REGISTRYINDEX);
}

/* Calls the handler. The argument is a call. Stack: [-1, +0, e]. */
static int execute(lua_State *L) {
  call *const self = lua_touserdata(L, 1);
  const char *problem;
  lua_settop(L, 0);
  push_handler(L, self->self);
  self->is_loaded = true;
  if (self->request != NULL) values_decode(L, self->request);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  if (self->request == NULL) return 0;
  luaL_checkstack(L, VALUES_SLOTS, "the values in nested tables");
  self->result = values_encode(L, 1, &problem);
  if (self->result == NULL && problem != NULL)
    return luaL_error(L, "the handler returned a value that cannot be copied: %s", problem);
  return 0;
}

/* The result of a failed call. Memory may be exhausted: then the request itself becomes the result. It is not called
   protected, so it must not raise an error: a string needs no slots of the stack. */
static message *failure_of(lua_State *L, message *request) {
  const char *problem;
  message *result = NULL;
  if (L != NULL && lua_type(L, -1) == LUA_TSTRING)
    result = values_encode(L, lua_gettop(L), &problem);
  if (result == NULL) {
    request->len = request->count = 0;
    request->kind = MESSAGE_NO_MEMORY;
    return request;
  }
  result->kind = MESSAGE_RAISED;
  return result;
}

/* Handles a request, which becomes the result, or is freed. Creates the state, and closes one without a handler. */
static message *handle(const thread *self, lua_State **state, message *request) {
  lua_State *const L = *state != NULL ? *state : luaL_newstate();
  call now = {self, request, false, NULL};
  message *result;
  int status = L == NULL ? LUA_ERRMEM : compat_cpcall(L, execute, &now);
  result = status == 0 && now.result != NULL ? now.result
                                             : failure_of(status == LUA_ERRRUN ? L : NULL, request);
  result->id = request->id;
  if (result != request) free(request);
  if (L != NULL) lua_settop(L, 0);
  if (L != NULL && !now.is_loaded) lua_close(L);
  *state = now.is_loaded ? L : NULL;
  return result;
}

/* The thread. At the end, it calls the handler without arguments. */
static void *run(void *argument) {
  thread *const self = argument;
  lua_State *L = NULL;
  message *request;
  while ((request = queue_next(&self->queue)) != NULL)
    queue_finish(&self->queue, handle(self, &L, request));
  if (L != NULL) {
    call last = {self, NULL, false, NULL};
    (void)compat_cpcall(L, execute, &last);
    lua_close(L);
  }
  return NULL;
}

/* Creates the thread with all signals blocked. Returns an error number, or 0. */
static int create(thread *self) {
  pthread_attr_t attributes;
  sigset_t all, before;
  int problem = pthread_attr_init(&attributes);
  if (problem != 0) return problem;
  (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  problem = pthread_create(&self->pthread, &attributes, run, self);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attributes);
  return problem;
}

/* Copies the names. */
static bool copy_names(thread *self, const char *const names[3]) {
  const size_t module = strlen(names[0]) + 1, path = strlen(names[1]) + 1,
               cpath = strlen(names[2]) + 1;
  self->names = malloc(module + path + cpath);
  if (self->names == NULL) return false;
  memcpy(self->names, names[0], module);
  memcpy(self->names + module, names[1], path);
  memcpy(self->names + module + path, names[2], cpath);
  return true;
}

int thread_start(thread *self, const char *const names[3], size_t pending_max, size_t bytes_max) {
  int problem;
  self->pid = getpid();
  if (!copy_names(self, names)) return ENOMEM;
  problem = queue_open(&self->queue, pending_max, bytes_max);
  if (problem != 0) return problem;
  self->is_open = true;
  problem = create(self);
  self->is_running = problem == 0;
  return problem;
}

bool thread_is_ours(const thread *self) {
  return self->pid == getpid();
}

void thread_join(thread *self) {
  if (!self->is_running) return;
  self->is_running = false;
  queue_close(&self->queue);
  (void)pthread_join(self->pthread, NULL);
}

void thread_close(thread *self) {
  const bool was_open = self->is_open;
  self->is_open = false;
  if (was_open && !thread_is_ours(self)) {
    (void)close(self->queue.ends[0]);
    (void)close(self->queue.ends[1]);
    return; /* what the thread may have had in use is left as it is */
  }
  thread_join(self);
  if (was_open) queue_destroy(&self->queue);
  free(self->names);
  self->names = NULL;
}
