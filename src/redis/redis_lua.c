/*
** apivideo.redis.core: a connection to a Redis server for Lua, which never blocks.
**
**   connection | nil, message = core.connect { host, port, tls, ca_file, reply_max }
**   connection | nil, message = core.connect { path, reply_max }
**   connection:send(word, …)          gives a command; before the next one, its reply must be read
**   "waiting" | "idle" | "reply", value | "error", message | nil, message = connection:step()
**   seconds | nil = connection:list_fds(reads, writes)   what to wait for before the next step
**   usable = connection:is_usable()   whether an idle connection can be reused
**   connection:close()
**   version = core.version()          of hiredis
**
** A call that may run the collector (m, e, v) may run a finalizer, which may call any of these functions. So arguments
** are read before the connection's state, and a reply has left the connection before it is converted.
*/
#include <string.h>

#include "../common/lua_aux.h"
#include "../common/pin.h"
#include "connection.h"

#define CONNECTION "apivideo.redis.connection"
#define REPLY "apivideo.redis.reply"
#define WORDS_MAX 1000000
#define NESTED_MAX 16 /* more than hiredis accepts */

/* The connection at index 1; closed, in a forked child. Stack: [-0, +0, v]. */
static connection *check_connection(lua_State *L) {
  connection *self = luaL_checkudata(L, 1, CONNECTION);
  connection_close_if_forked(self);
  return self;
}

/* Pushes nil and why the connection is closed. Stack: [-0, +2, m]. */
static int push_problem(lua_State *L, const connection *self) {
  lua_pushnil(L);
  lua_pushstring(L, self->problem[0] != '\0' ? self->problem : "the connection is closed");
  return 2;
}

/* Reads the options from the table at index 1, and anchors their strings. Stack: [-0, +3, e]. */
static void read_options(lua_State *L, connection_options *options) {
  memset(options, 0, sizeof *options);
  luaL_checktype(L, 1, LUA_TTABLE);
  options->path = aux_plain_field(L, 1, "path", true);
  options->host = aux_plain_field(L, 1, "host", options->path != NULL);
  options->ca_file = aux_plain_field(L, 1, "ca_file", true);
  options->reply_max = (size_t)aux_number_field(L, 1, "reply_max", 1);
  if (options->host == NULL) return;
  options->port = (unsigned)aux_number_field(L, 1, "port", 1);
  options->uses_tls = aux_boolean_field(L, 1, "tls", false);
}

/* connect(options) -> connection | nil, message. Stack: [-0, +1|2, v]. */
static int connect_new(lua_State *L) {
  connection_options options;
  connection *self;
  lua_settop(L, 1);
  read_options(L, &options);
  self = lua_newuserdata(L, sizeof *self);
  memset(self, 0, sizeof *self);
  luaL_getmetatable(L, CONNECTION);
  lua_setmetatable(L, -2);
  return connection_open(self, &options) ? 1 : push_problem(L, self);
}

/* connection:close(), __gc, __close. Stack: [-0, +0, v]. */
static int close_connection(lua_State *L) {
  connection_close(luaL_checkudata(L, 1, CONNECTION));
  return 0;
}

/* connection:send(word, …): strings or numbers. Raises an error while a reply is pending. After a failure it does
   nothing: the next step returns that. Stack: [-0, +0, v]. */
static int send_command(lua_State *L) {
  connection *self = check_connection(L);
  const int count = lua_gettop(L) - 1;
  const char **words;
  size_t *lens;
  int i;
  luaL_argcheck(L, count >= 1 && count <= WORDS_MAX, 2, "a command expected");
  for (i = 0; i < count; i++) (void)luaL_checkstring(L, i + 2); /* converts numbers in place */
  luaL_checkstack(L, 2, "the words of a command");
  words = lua_newuserdata(L, (size_t)count * sizeof *words);
  lens = lua_newuserdata(L, (size_t)count * sizeof *lens);
  for (i = 0; i < count; i++) words[i] = lua_tolstring(L, i + 2, &lens[i]);
  if (self->state == CONNECTION_CLOSED) return 0;
  if (!connection_is_ready(self)) return luaL_error(L, "the reply to another command is pending");
  if (!connection_send(self, count, words, lens)) return luaL_error(L, "out of memory");
  return 0;
}

/* ---- replies ---- */

/* The finalizer of a reply's holder. Stack: [-0, +0, -]. */
static int free_reply(lua_State *L) {
  redisReply **const holder = lua_touserdata(L, 1);
  if (*holder != NULL) freeReplyObject(*holder);
  *holder = NULL;
  return 0;
}

/* Pushes a holder, which frees the reply that it will have. Stack: [-0, +1, m]. */
static redisReply **push_holder(lua_State *L) {
  redisReply **const holder = lua_newuserdata(L, sizeof *holder);
  *holder = NULL;
  luaL_getmetatable(L, REPLY);
  lua_setmetatable(L, -2);
  return holder;
}

static bool push_value(lua_State *L, const redisReply *reply, int depth);

/* Pushes an array. Stack: [-0, +1, m]. */
static bool push_array(lua_State *L, const redisReply *reply, int depth) {
  size_t i;
  luaL_checkstack(L, 4, "an array in a reply");
  lua_createtable(L, (int)reply->elements, 0);
  for (i = 0; i < reply->elements; i++) {
    if (!push_value(L, reply->element[i], depth + 1)) return false;
    lua_rawseti(L, -2, (int)i + 1);
  }
  return true;
}

/* Pushes the value of a reply: nil as false, so that arrays have no holes; an error in an array as { false, message }.
   Returns false, with anything pushed, if the protocol has no such value in version 2. Stack: [-0, +?, m]. */
static bool push_value(lua_State *L, const redisReply *reply, int depth) {
  switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: lua_pushlstring(L, reply->str, (size_t)reply->len); return true;
    case REDIS_REPLY_INTEGER: compat_pushinteger(L, reply->integer); return true;
    case REDIS_REPLY_NIL: lua_pushboolean(L, 0); return true;
    case REDIS_REPLY_ERROR:
      lua_createtable(L, 2, 0);
      lua_pushboolean(L, 0);
      lua_rawseti(L, -2, 1);
      lua_pushlstring(L, reply->str, (size_t)reply->len);
      lua_rawseti(L, -2, 2);
      return true;
    case REDIS_REPLY_ARRAY: return depth < NESTED_MAX && push_array(L, reply, depth);
    default: return false;
  }
}

/* Pushes the results of connection:step for a reply that has arrived. Stack: [-0, +2, m]. */
static int push_reply(lua_State *L, connection *self) {
  redisReply **const holder = push_holder(L);
  const int top = lua_gettop(L);
  *holder = connection_take_reply(self);
  if (*holder == NULL)
    return push_problem(L, self); /* a finalizer has taken it, or closed the connection */
  if ((*holder)->type == REDIS_REPLY_ERROR) {
    lua_pushliteral(L, "error");
    lua_pushlstring(L, (*holder)->str, (size_t)(*holder)->len);
  } else {
    lua_pushliteral(L, "reply");
    if (!push_value(L, *holder, 0)) {
      lua_settop(L, top);
      connection_close(self);
      lua_pushnil(L);
      lua_pushliteral(L, "the reply has a type that version 2 of the protocol does not have");
    }
  }
  freeReplyObject(*holder);
  *holder = NULL;
  return 2;
}

/* connection:step() -> "waiting" | "idle" | "reply", value | "error", message | nil, message.
   Stack: [-0, +1|2, v]. */
static int step(lua_State *L) {
  connection *self = check_connection(L);
  switch (connection_step(self)) {
    case CONNECTION_REPLIED: return push_reply(L, self);
    case CONNECTION_FAILED: return push_problem(L, self);
    case CONNECTION_IDLE: lua_pushliteral(L, "idle"); return 1;
    default: lua_pushliteral(L, "waiting"); return 1;
  }
}

/* connection:list_fds(reads, writes) -> seconds | nil: appends the descriptor to wait for to one of two arrays.
   Stack: [-0, +1, v]. */
static int list_fds(lua_State *L) {
  const connection *self = check_connection(L);
  bool writes = false, at_once = false;
  int fd, index;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  if (self->state == CONNECTION_CLOSED) {
    lua_pushinteger(L, 0);
    return 1;
  }
  fd = connection_interest(self, &writes, &at_once);
  index = writes ? 3 : 2;
  if (fd >= 0) {
    lua_pushinteger(L, fd);
    lua_rawseti(L, index, (int)compat_rawlen(L, index) + 1);
  }
  if (at_once)
    lua_pushinteger(L, 0);
  else
    lua_pushnil(L);
  return 1;
}

/* connection:is_usable() -> boolean. Stack: [-0, +1, v]. */
static int is_usable(lua_State *L) {
  lua_pushboolean(L, connection_is_usable(check_connection(L)));
  return 1;
}

/* version() -> the version of hiredis. Stack: [-0, +1, m]. */
static int version(lua_State *L) {
  lua_pushliteral(L, COMPAT_HIREDIS_VERSION);
  return 1;
}

static const luaL_Reg methods[] = {{"send", send_command},      {"step", step},
                                   {"list_fds", list_fds},      {"is_usable", is_usable},
                                   {"close", close_connection}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", close_connection}, {"__close", close_connection}, {NULL, NULL}};

static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg holder_metamethods[] = {{"__gc", free_reply}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"connect", connect_new}, {"version", version}, {NULL, NULL}};

APIVIDEO_EXPORT int luaopen_apivideo_redis_core(lua_State *L);

/* Pushes the module: { connect, version }. Stack: [-0, +1, m]. */
int luaopen_apivideo_redis_core(lua_State *L) {
  pin_module();
  aux_new_class(L, CONNECTION, methods, metamethods);
  aux_new_class(L, REPLY, no_methods, holder_metamethods);
  lua_newtable(L);
  compat_setfuncs(L, functions);
  return 1;
}
