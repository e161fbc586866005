/*
** apivideo.core.wake: a thread that wakes an event loop, for Lua.
**
**   wake | nil, message = wake.new()
**   path = wake:path()                  of the UNIX socket to connect to
**   true | nil, message = wake:accept() once it is connected
**   fd = wake:fd()                      of its set of descriptors (edges.h), for pool:watch
**   is_watched = wake:watch(fd)         a byte arrives whenever it becomes readable
**   wake:unwatch(fd)
**   wake:arm(seconds)                   a byte arrives after this time, too
**   wake:notify()                       a byte arrives soon
**   wake:take()                         after a byte has arrived, and before a look at what is ready
**   wake:close()
*/
#include "wake_lua.h"

#include <limits.h>
#include <string.h>

#include "../common/edges.h"
#include "../common/lua_aux.h"
#include "wake.h"

#define WAKE "apivideo.wake"
#define SECONDS_MAX 86400.0

/* The open wake at index 1. Stack: [-0, +0, v]. */
static wake *check_wake(lua_State *L) {
  wake *const self = luaL_checkudata(L, 1, WAKE);
  luaL_argcheck(L, wake_is_ours(self), 1, "it is closed, or another process opened it");
  return self;
}

/* The connected wake at index 1. Stack: [-0, +0, v]. */
static wake *check_connected(lua_State *L) {
  wake *const self = check_wake(L);
  luaL_argcheck(L, self->has_thread, 1, "it is not connected");
  return self;
}

/* new() -> wake | nil, message. Stack: [-0, +1|2, m]. */
static int new_wake(lua_State *L) {
  wake *self = lua_newuserdata(L, sizeof *self);
  const char *problem;
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, WAKE);
  lua_setmetatable(L, -2);
  problem = wake_open(self); /* last: from here on, __gc closes it */
  if (problem == NULL) return 1;
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

/* wake:path() -> string. Stack: [-0, +1, v]. */
static int get_path(lua_State *L) {
  lua_pushstring(L, check_wake(L)->address.sun_path);
  return 1;
}

/* wake:accept() -> true | nil, message. Stack: [-0, +1|2, v]. */
static int accept_loop(lua_State *L) {
  wake *const self = check_wake(L);
  const char *problem;
  luaL_argcheck(L, self->listening >= 0, 1, "it was connected before");
  problem = wake_accept(self);
  if (problem == NULL) {
    lua_pushboolean(L, true);
    return 1;
  }
  wake_close(self);
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

/* The descriptor at index 2. Stack: [-0, +0, v]. */
static int check_descriptor(lua_State *L) {
  return (int)aux_check_integer(L, 2, 0, INT_MAX);
}

/* wake:fd() -> descriptor of the set. Stack: [-0, +1, v]. */
static int get_fd(lua_State *L) {
  lua_pushinteger(L, check_wake(L)->set);
  return 1;
}

/* wake:watch(fd) -> boolean. Stack: [-0, +1, v]. */
static int watch(lua_State *L) {
  lua_pushboolean(L, edges_add(check_wake(L)->set, check_descriptor(L), false));
  return 1;
}

/* wake:unwatch(fd). Stack: [-0, +0, v]. */
static int unwatch(lua_State *L) {
  edges_remove(check_wake(L)->set, check_descriptor(L));
  return 0;
}

/* wake:arm(seconds). Stack: [-0, +0, v]. */
static int arm(lua_State *L) {
  const lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds > 0 && seconds <= SECONDS_MAX, 2,
                "seconds above 0 and up to a day expected");
  wake_arm(check_connected(L), seconds);
  return 0;
}

/* wake:notify(). Stack: [-0, +0, v]. */
static int notify(lua_State *L) {
  wake_notify(check_connected(L));
  return 0;
}

/* wake:take(). Stack: [-0, +0, v]. */
static int take(lua_State *L) {
  wake_take(check_connected(L));
  return 0;
}

/* wake:close(), __gc, __close. Stack: [-0, +0, v]. */
static int close_wake(lua_State *L) {
  wake_close(luaL_checkudata(L, 1, WAKE));
  return 0;
}

static const luaL_Reg methods[] = {{"path", get_path},    {"accept", accept_loop},
                                   {"fd", get_fd},        {"watch", watch},
                                   {"unwatch", unwatch},  {"arm", arm},
                                   {"notify", notify},    {"take", take},
                                   {"close", close_wake}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", close_wake}, {"__close", close_wake}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_wake}, {NULL, NULL}};

void wake_open_module(lua_State *L) {
  aux_new_class(L, WAKE, methods, metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
}
