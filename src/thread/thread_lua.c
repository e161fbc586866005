/*
** apivideo.thread.core: a thread with a Lua state of its own, which calls a handler.
**
**   thread | nil, message = core.start(module, path, cpath, pending_max, bytes_max)
**   id | nil, "full" | nil, "forked" = thread:send(…)   gives a request: plain values (values.h)
**   id, true, … | id, false, message | nil = thread:take()   the next result: of the handler, or its error
**   thread:wait()            blocks until there is a result, or no request is pending
**   fd = thread:fd()         readable while there is a result
**   thread:join()            blocks until all requests are handled; take() returns their results. No send may follow
**   thread:close()           the same, and frees the results
**
** `module` returns a function, the handler. At the end it is called once without arguments.
*/
#include <stdlib.h>
#include <string.h>

#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "thread.h"
#include "values.h"

#define THREAD "apivideo.thread"

/* start(module, path, cpath, pending_max, bytes_max) -> thread | nil, message. Stack: [-0, +1|2, v]. */
static int start(lua_State *L) {
  const char *const names[3] = {luaL_checkstring(L, 1), luaL_checkstring(L, 2),
                                luaL_checkstring(L, 3)};
  const size_t pending_max = (size_t)aux_check_integer(L, 4, 1, 1000000);
  const size_t bytes_max = (size_t)aux_check_integer(L, 5, 1, 2147483647);
  thread *const self = lua_newuserdata(L, sizeof *self);
  int problem;
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, THREAD);
  lua_setmetatable(L, -2);
  problem = thread_start(self, names, pending_max, bytes_max);
  if (problem == 0) return 1;
  thread_close(self);
  lua_pushnil(L);
  lua_pushstring(L, strerror(problem));
  return 2;
}

/* The thread at index 1; raises an error if it is closed. Stack: [-0, +0, v]. */
static thread *check_thread(lua_State *L) {
  thread *const self = luaL_checkudata(L, 1, THREAD);
  luaL_argcheck(L, self->is_open, 1, "the thread is closed");
  return self;
}

/* thread:send(…) -> id | nil, "full" | nil, "forked". Stack: [-0, +1|2, v]. */
static int send_request(lua_State *L) {
  thread *const self = check_thread(L);
  const char *problem;
  message *request;
  bool is_sent;
  if (!thread_is_ours(self)) {
    lua_pushnil(L);
    lua_pushliteral(L, "forked");
    return 2;
  }
  luaL_argcheck(L, self->is_running, 1, "the thread is closed");
  luaL_checkstack(L, VALUES_SLOTS, "the values in nested tables");
  request = values_encode(L, 2, &problem);
  if (request == NULL && problem != NULL)
    return luaL_error(
        L,
        "only nil, booleans, numbers, strings and tables of these can be sent to a thread, got %s",
        problem);
  if (request == NULL) return luaL_error(L, "not enough memory");
  is_sent = queue_send(&self->queue, request);
  if (!is_sent) {
    free(request);
    lua_pushnil(L);
    lua_pushliteral(L, "full");
    return 2;
  }
  compat_pushinteger(L, self->queue.last_id);
  return 1;
}

/* The results of take() for a message. Called protected: memory may be exhausted. Stack: [-1, +?, v]. */
static int decode(lua_State *L) {
  const message *const result = lua_touserdata(L, 1);
  compat_pushinteger(L, result->id);
  lua_pushboolean(L, result->kind == MESSAGE_RETURNED);
  if (result->kind == MESSAGE_NO_MEMORY) lua_pushliteral(L, "not enough memory");
  values_decode(L, result);
  return lua_gettop(L) - 1;
}

/* thread:take() -> id, true, … | id, false, message | nil. A result that cannot be decoded is a failure of its request,
   which must not wait for it any longer. Stack: [-0, +?, v]. */
static int take(lua_State *L) {
  thread *self;
  message *result;
  uint64_t id;
  int status;
  lua_settop(L, 1);
  luaL_checkstack(L, 4, "a result");
  lua_pushcfunction(L, decode);
  self = check_thread(L); /* after what may allocate: a finalizer may close the thread */
  if (!thread_is_ours(self)) return 0;
  result = queue_take(&self->queue);
  if (result == NULL) return 0;
  id = result->id;
  lua_pushlightuserdata(L, result);
  status = lua_pcall(L, 1, LUA_MULTRET,
                     0); /* the message is not in the queue, so a finalizer cannot free it */
  free(result);
  if (status == 0) return lua_gettop(L) - 1;
  compat_pushinteger(L, id);
  lua_insert(L, 2);
  lua_pushboolean(L, 0);
  lua_insert(L, 3);
  return 3;
}

/* thread:wait(). Stack: [-0, +0, v]. */
static int wait_for_result(lua_State *L) {
  thread *const self = check_thread(L);
  if (thread_is_ours(self)) queue_wait(&self->queue);
  return 0;
}

/* thread:fd() -> descriptor. Stack: [-0, +1, v]. */
static int fd(lua_State *L) {
  lua_pushinteger(L, check_thread(L)->queue.ends[0]);
  return 1;
}

/* thread:join(). Stack: [-0, +0, v]. */
static int join(lua_State *L) {
  thread *const self = check_thread(L);
  if (thread_is_ours(self)) thread_join(self);
  return 0;
}

/* thread:close(), __gc, __close. Stack: [-0, +0, v]. */
static int close_thread(lua_State *L) {
  thread_close(luaL_checkudata(L, 1, THREAD));
  return 0;
}

static const luaL_Reg methods[] = {
    {"send", send_request},  {"take", take}, {"wait", wait_for_result}, {"fd", fd}, {"join", join},
    {"close", close_thread}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__gc", close_thread}, {"__close", close_thread}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"start", start}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_thread_core(lua_State *L);

/* Pushes the module: { start }. Stack: [-0, +1, m]. */
int luaopen_apivideo_thread_core(lua_State *L) {
  pin_module();
  aux_new_class(L, THREAD, methods, metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
  return 1;
}
