/*
** apivideo.core.http: pools and transfers for Lua. Arguments and results only; http.c does the work.
**
**   pool = http.new()
**   transfer = pool:start { method, url, headers = { "Name: value", … }, body, … }
**   finished, ready, active = pool:step(seconds [, reads [, writes]])
**   pool:watch(fd)  seconds | nil = pool:timeout()
**   response | nil, kind, message, sent = transfer:result()
**   transfer:cancel()
**
** A pool's uservalue is a table that anchors its transfers, by their addresses, until they are reported,
** cancelled or read, so that none is collected while libcurl uses it. The transfers have the same table as their
** uservalue, to remove themselves. Pool and transfer do not need each other's memory: when one of them is
** closed, it unlinks itself from the other.
**
** Invariant: `anchored` is true exactly while the table has the transfer.
**
** A call that allocates may run a finalizer, which may call any function of this file. So C state that such a
** function may change is read only after the call.
*/
#include "http_lua.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "../common/lua_aux.h"
#include "http.h"
#include "http_request_lua.h"
#include "http_response_lua.h"

#define POOL "apivideo.http.pool"
#define TRANSFER "apivideo.http.transfer"
/* A server without epoll waits for up to FD_SETSIZE (1024) descriptors to read and as many to write; the rest
   are for other sources. */
#define MAX_FDS 2112

/* The pool at index 1. Stack: [-0, +0, v]. */
static http_pool *check_pool(lua_State *L) {
  return luaL_checkudata(L, 1, POOL);
}

/* The transfer at index 1. Stack: [-0, +0, v]. */
static http_transfer *check_transfer(lua_State *L) {
  return luaL_checkudata(L, 1, TRANSFER);
}

/* Raises a problem of http.c; exhausted memory with the text that Lua itself uses. Stack: [-0, +0, v]. */
static int raise_problem(lua_State *L, const char *problem) {
  if (problem != http_no_memory) return luaL_error(L, "libcurl: %s", problem);
  lua_pushstring(L, problem);
  return lua_error(L);
}

/* Pushes nil, kind, message, and whether any byte may have reached the peer. Stack: [-0, +4, m]. */
static int fail(lua_State *L, http_error kind, const char *message, bool sent) {
  lua_pushnil(L);
  lua_pushstring(L, http_error_name(kind));
  lua_pushstring(L, message);
  lua_pushboolean(L, sent);
  return 4;
}

/* ---- anchors ---- */

/* Anchors the transfer at the top in the table of the pool at index 1. Stack: [-0, +0, m]. */
static void anchor(lua_State *L, http_transfer *transfer) {
  compat_getuservalue(L, 1);
  lua_pushlightuserdata(L, transfer);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  compat_setuservalue(L, -2);
  transfer->anchored = true;
}

/* Removes the key at the top from the table at `table`. Allocates nothing. Stack: [-1, +0, -]. */
static void clear_key(lua_State *L, int table) {
  lua_pushnil(L);
  lua_rawset(L, table);
}

/* Undoes anchor for the transfer at `index`, if it is anchored. Stack: [-0, +0, -]. */
static void release(lua_State *L, int index, http_transfer *transfer) {
  if (!transfer->anchored) return;
  transfer->anchored = false;
  compat_getuservalue(L, index);
  lua_pushlightuserdata(L, transfer);
  clear_key(L, lua_gettop(L) - 1);
  lua_pop(L, 1);
}

/* Undoes anchor for all transfers of the open pool at index 1. Removing a key during lua_next is allowed.
   Stack: [-0, +0, -]. */
static void release_all(lua_State *L) {
  int anchors;
  compat_getuservalue(L, 1);
  anchors = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, anchors) != 0) {
    http_transfer *transfer = lua_touserdata(L, -1);
    transfer->anchored = false;
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    clear_key(L, anchors);
  }
  lua_pop(L, 1);
}

/* ---- pools ---- */

/* new() -> pool | nil, message. Stack: [-0, +1|2, m]. */
static int new_pool(lua_State *L) {
  const char *problem;
  http_pool *pool = lua_newuserdata(L, sizeof *pool);
  memset(pool, 0, sizeof *pool);
  lua_newtable(L);
  compat_setuservalue(L, -2);
  luaL_getmetatable(L, POOL);
  lua_setmetatable(L, -2);
  problem = http_pool_open(pool); /* last: from here on, __gc closes it */
  if (problem == NULL) return 1;
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

/* pool:close(), __gc, __close. Stack: [-0, +0, v]. */
static int pool_close(lua_State *L) {
  http_pool *pool = check_pool(L);
  if (pool->multi == NULL) return 0; /* it may have no uservalue yet */
  release_all(L);
  http_pool_close(pool);
  return 0;
}

/* pool:forked() -> whether another process opened it. Stack: [-0, +1, v]. */
static int pool_forked(lua_State *L) {
  lua_pushboolean(L, http_pool_forked(check_pool(L)));
  return 1;
}

/* Raises unless the pool can be used. Stack: [-0, +0, v]. */
static void check_usable(lua_State *L, const http_pool *pool) {
  luaL_argcheck(L, pool->multi != NULL, 1, "the pool is closed");
  luaL_argcheck(L, !http_pool_forked(pool), 1,
                "the pool was opened before a fork; open another one in this process");
}

/* Pushes a new transfer, which the pool at index 1 anchors. Stack: [-0, +1, m]. */
static http_transfer *push_transfer(lua_State *L) {
  http_transfer *transfer = lua_newuserdata(L, sizeof *transfer);
  memset(transfer, 0, sizeof *transfer);
  luaL_getmetatable(L, TRANSFER);
  lua_setmetatable(L, -2);
  anchor(L, transfer);
  return transfer;
}

/* Prepares and starts a new transfer. Returns NULL, or the problem and its kind. */
static const char *start(http_pool *pool, http_transfer *transfer, const http_request *request,
                         http_error *kind) {
  const char *problem = http_prepare(pool, transfer, request);
  *kind = problem == NULL ? HTTP_NETWORK : HTTP_INVALID_REQUEST;
  return problem == NULL ? http_start(pool, transfer) : problem;
}

/* pool:start(request) -> transfer | nil, kind, message, false. Stack: [-0, +1|4, e]. */
static int pool_start(lua_State *L) {
  http_pool *pool = check_pool(L);
  http_request request;
  http_transfer *transfer;
  const char *problem;
  http_error kind = HTTP_INVALID_REQUEST;
  check_usable(L, pool);
  http_request_read(L, &request);
  transfer = push_transfer(L);
  /* From here until the transfer is started or closed, nothing allocates memory of Lua. But push_transfer did:
     a finalizer may have closed the pool or the transfer. */
  problem = http_request_add_headers(L, -2, transfer);
  if (problem == NULL && http_pool_usable(pool) && transfer->state == HTTP_NEW) {
    problem = start(pool, transfer, &request, &kind);
    if (problem == NULL) return 1;
  }
  release(L, lua_gettop(L), transfer);
  http_close(transfer); /* `problem` stays valid, even if it is in the transfer */
  check_usable(L, pool);
  if (problem == http_no_memory) return raise_problem(L, problem);
  if (problem != NULL) return fail(L, kind, problem, false);
  return fail(L, HTTP_CANCELLED, "the request was cancelled", false); /* by a finalizer */
}

/* Takes the finished transfers from the pool and pushes them as an array; pushes nil if no transfer is finished. The
   array is created first, because nothing may raise an error once a transfer is taken. A finalizer that runs
   then may take some of the transfers; ones that finish then are left for the next step. Stack: [-0, +1, m]. */
static void push_finished(lua_State *L, http_pool *pool) {
  http_transfer *transfer;
  int i, count = 0;
  for (transfer = pool->done; transfer != NULL; transfer = transfer->next) count++;
  if (count > 0) lua_createtable(L, count, 0);
  if (count == 0 || pool->done == NULL) {
    lua_pushnil(L);
    if (count > 0) lua_remove(L, -2);
    return;
  }
  compat_getuservalue(L, 1); /* finished, anchors */
  for (i = 1; i <= count && (transfer = http_pool_take(pool)) != NULL; i++) {
    assert(transfer->anchored);
    transfer->anchored = false;
    lua_pushlightuserdata(L, transfer);
    lua_rawget(L, -2);
    lua_rawseti(L, -3, i);
    lua_pushlightuserdata(L, transfer);
    clear_key(L, lua_gettop(L) - 1);
  }
  lua_pop(L, 1);
}

/* Pushes an array of the descriptors that are ready; nil if no descriptor is. Stack: [-0, +1, m]. */
static void push_ready(lua_State *L, const struct curl_waitfd *fds, unsigned count) {
  unsigned i;
  int ready = 0;
  lua_pushnil(L);
  for (i = 0; i < count; i++) {
    if (fds[i].revents == 0) continue;
    if (ready == 0) {
      lua_pop(L, 1);
      lua_newtable(L);
    }
    lua_pushinteger(L, fds[i].fd);
    lua_rawseti(L, -2, ++ready);
  }
}

/* Appends the descriptors of the array at `index`, which may be nil, to the `count` ones in `fds`. Returns the
   new count. Stack: [-0, +0, v]. */
static unsigned read_fds(lua_State *L, int index, short events, struct curl_waitfd *fds,
                         unsigned count) {
  int i, len;
  if (lua_isnoneornil(L, index)) return count;
  luaL_checktype(L, index, LUA_TTABLE);
  luaL_argcheck(L, compat_rawlen(L, index) <= MAX_FDS - count, index, "too many descriptors");
  len = (int)compat_rawlen(L, index);
  for (i = 1; i <= len; i++, count++) {
    lua_Number fd;
    lua_rawgeti(L, index, i);
    fd = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    /* False for NaN; only a value within the range may be converted. */
    luaL_argcheck(L, fd >= 0 && fd <= INT_MAX && (lua_Number)(int)fd == fd, index,
                  "descriptors expected: whole numbers from 0 to 2147483647");
    fds[count].fd = (curl_socket_t)fd;
    fds[count].events = events;
    fds[count].revents = 0;
    lua_pop(L, 1);
  }
  return count;
}

/* Reads seconds at index 2 as milliseconds, an hour at most. Rounds up: a wait that ends before its timer is due
   makes the caller spin. Stack: [-0, +0, v]. */
static int read_timeout(lua_State *L) {
  const lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds == seconds, 2, "number of seconds expected, got NaN");
  return seconds <= 0 ? 0 : seconds > 3600 ? 3600000 : (int)(seconds * 1000 + 0.999);
}

/* pool:step(seconds [, reads [, writes]]) -> finished transfers | nil, ready descriptors | nil, whether a socket was
   ready: drives all transfers, waiting until one ends, a descriptor is ready, or the time is over.
   Stack: [-0, +3, v]. */
static int pool_step(lua_State *L) {
  http_pool *pool = check_pool(L);
  struct curl_waitfd fds[MAX_FDS];
  const int timeout = read_timeout(L);
  unsigned count = read_fds(L, 3, CURL_WAIT_POLLIN, fds, 0);
  const char *problem;
  count = read_fds(L, 4, CURL_WAIT_POLLOUT, fds, count);
  check_usable(L, pool);
  problem = http_pool_step(pool, fds, count, timeout);
  if (problem != NULL) return raise_problem(L, problem);
  push_ready(L, fds, count);
  push_finished(L, pool); /* last: an error raised after it would lose the transfers */
  lua_insert(L, -2);
  lua_pushboolean(L, pool->was_active);
  return 3;
}

/* pool:watch(fd): adds the sockets of the pool to a set of descriptors (edges.h). Stack: [-0, +0, v]. */
static int pool_watch(lua_State *L) {
  http_pool *pool = check_pool(L);
  const int set = (int)aux_check_integer(L, 2, 0, INT_MAX);
  check_usable(L, pool);
  http_sockets_watch(&pool->sockets, set);
  return 0;
}

/* pool:timeout() -> seconds after which a watched pool needs a step in any case | nil. Stack: [-0, +1, v]. */
static int pool_timeout(lua_State *L) {
  http_pool *pool = check_pool(L);
  int timeout;
  check_usable(L, pool);
  timeout = http_pool_timeout(pool);
  if (timeout < 0)
    lua_pushnil(L);
  else
    lua_pushnumber(L, (lua_Number)timeout / 1000);
  return 1;
}

/* ---- transfers ---- */

/* transfer:result() -> response | nil, kind, message, sent; only nil while it runs. Closes a finished transfer,
   so a response is returned once. Stack: [-0, +1|4, v]. */
static int transfer_result(lua_State *L) {
  http_transfer *transfer = check_transfer(L);
  if (transfer->state == HTTP_NEW || transfer->state == HTTP_RUNNING) {
    lua_pushnil(L);
    return 1;
  }
  if (transfer->state == HTTP_DONE) {
    const http_error kind = transfer->out_of_memory ? HTTP_OK : http_failure_kind(transfer);
    /* First: when a finalizer steps the pool, what it takes must be anchored. */
    http_take(transfer);
    release(L, 1, transfer);
    if (kind == HTTP_OK && !transfer->out_of_memory && http_response_push(L, transfer)) return 1;
    http_close(transfer);
    if (transfer->out_of_memory) return raise_problem(L, http_no_memory);
    if (kind != HTTP_OK) return fail(L, kind, http_message(transfer), transfer->sent);
  }
  return fail(L, HTTP_CANCELLED, "the request was cancelled", transfer->sent);
}

/* transfer:cancel(), __close, __gc: stops it; its result is then an error. Stack: [-0, +0, v]. */
static int transfer_cancel(lua_State *L) {
  http_transfer *transfer = check_transfer(L);
  release(L, 1, transfer);
  http_close(transfer);
  return 0;
}

static const luaL_Reg pool_methods[] = {{"start", pool_start},
                                        {"step", pool_step},
                                        {"watch", pool_watch},
                                        {"timeout", pool_timeout},
                                        {"forked", pool_forked},
                                        {"close", pool_close},
                                        {NULL, NULL}};

static const luaL_Reg pool_metamethods[] = {
    {"__gc", pool_close}, {"__close", pool_close}, {NULL, NULL}};

static const luaL_Reg transfer_methods[] = {
    {"result", transfer_result}, {"cancel", transfer_cancel}, {NULL, NULL}};

static const luaL_Reg transfer_metamethods[] = {
    {"__gc", transfer_cancel}, {"__close", transfer_cancel}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"new", new_pool}, {NULL, NULL}};

void http_open(lua_State *L) {
  aux_new_class(L, POOL, pool_methods, pool_metamethods);
  aux_new_class(L, TRANSFER, transfer_methods, transfer_metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
}
