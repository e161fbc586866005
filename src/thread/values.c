/*
** Plain values as bytes: see values.h.
**
** A value is a tag and its bytes, in the order of this machine. A table is a length, and its keys and values in turn, up
** to TAG_END.
*/
#include "values.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 512

enum {
  TAG_NIL,
  TAG_FALSE,
  TAG_TRUE,
  TAG_INTEGER,
  TAG_NUMBER,
  TAG_SHORT,
  TAG_LONG,
  TAG_TABLE,
  TAG_END
};

typedef struct writer {
  message *to;
  size_t capacity;
  const char *problem;
} writer;

/* Makes room for `len` bytes. */
static bool reserve(writer *self, size_t len) {
  const size_t used = self->to->len;
  message *grown;
  size_t capacity = self->capacity;
  if (len <= capacity - used) return true;
  if (len > SIZE_MAX / 4 - used) return false;
  while (capacity - used < len) capacity *= 2;
  grown = realloc(self->to, sizeof *grown + capacity);
  if (grown == NULL) return false;
  self->to = grown;
  self->capacity = capacity;
  return true;
}

/* Adds a tag and the bytes after it. */
static bool put(writer *self, int tag, const void *bytes, size_t len) {
  unsigned char *end;
  if (!reserve(self, len + 1)) return false;
  end = self->to->bytes + self->to->len;
  *end = (unsigned char)tag;
  if (len > 0) memcpy(end + 1, bytes, len);
  self->to->len += len + 1;
  return true;
}

static bool put_string(writer *self, const char *bytes, size_t len) {
  const unsigned char short_len = (unsigned char)len;
  const bool is_short = len <= UINT8_MAX;
  if (is_short ? !put(self, TAG_SHORT, &short_len, 1) : !put(self, TAG_LONG, &len, sizeof len))
    return false;
  if (!reserve(self, len)) return false;
  if (len > 0) memcpy(self->to->bytes + self->to->len, bytes, len);
  self->to->len += len;
  return true;
}

static bool put_number(writer *self, lua_State *L, int index) {
  lua_Number number;
#if LUA_VERSION_NUM >= 503
  if (lua_isinteger(L, index)) {
    const lua_Integer integer = lua_tointeger(L, index);
    return put(self, TAG_INTEGER, &integer, sizeof integer);
  }
#endif
  number = lua_tonumber(L, index);
  return put(self, TAG_NUMBER, &number, sizeof number);
}

static bool reject(writer *self, const char *problem) {
  self->problem = problem;
  return false;
}

static bool put_value(writer *self, lua_State *L, int index, int depth);

/* Adds the table at `index`. The length of the array of its copy follows the tag: at most the number of its members,
   because the length of a table with gaps may be the position of any gap. Stack: [-0, +?, -]. */
static bool put_table(writer *self, lua_State *L, int index, int depth) {
  const size_t after_tag = self->to->len + 1;
  size_t array_len = compat_rawlen(L, index), members = 0;
  if (depth == VALUES_DEPTH_MAX) return reject(self, "tables that are nested too deeply");
  if (!put(self, TAG_TABLE, &array_len, sizeof array_len)) return false;
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    const int value = lua_gettop(L);
    if (lua_istable(L, value - 1)) return reject(self, "a table as a key");
    if (!put_value(self, L, value - 1, depth) || !put_value(self, L, value, depth + 1))
      return false;
    lua_pop(L, 1);
    members++;
  }
  if (array_len > members) array_len = members;
  memcpy(self->to->bytes + after_tag, &array_len, sizeof array_len);
  return put(self, TAG_END, NULL, 0);
}

/* Adds the value at `index`, an absolute index. Stack: [-0, +?, -]. */
static bool put_value(writer *self, lua_State *L, int index, int depth) {
  const char *bytes;
  size_t len;
  assert(index > 0);
  switch (lua_type(L, index)) {
    case LUA_TNIL: return put(self, TAG_NIL, NULL, 0);
    case LUA_TBOOLEAN: return put(self, lua_toboolean(L, index) ? TAG_TRUE : TAG_FALSE, NULL, 0);
    case LUA_TNUMBER: return put_number(self, L, index);
    case LUA_TSTRING: bytes = lua_tolstring(L, index, &len); return put_string(self, bytes, len);
    case LUA_TTABLE: return put_table(self, L, index, depth);
    default: return reject(self, lua_typename(L, lua_type(L, index)));
  }
}

message *values_encode(lua_State *L, int first, const char **problem) {
  const int top = lua_gettop(L);
  writer self = {NULL, FIRST_CAPACITY, NULL};
  int index;
  *problem = NULL;
  self.to = malloc(sizeof *self.to + FIRST_CAPACITY);
  if (self.to == NULL) return NULL;
  memset(self.to, 0, sizeof *self.to);
  for (index = first; index <= top; index++) {
    if (!put_value(&self, L, index, 0)) {
      free(self.to);
      *problem = self.problem;
      return NULL;
    }
    self.to->count++;
  }
  return self.to;
}

static void read_bytes(const unsigned char **at, void *to, size_t len) {
  memcpy(to, *at, len);
  *at += len;
}

static void push_string(lua_State *L, const unsigned char **at, size_t len) {
  lua_pushlstring(L, (const char *)*at, len);
  *at += len;
}

/* Pushes the value at `*at`, and moves that to the byte after it. Returns false, with nothing pushed, at the end of a
   table. Stack: [-0, +0|1, m]. */
static bool push_value(lua_State *L, const unsigned char **at) {
  lua_Integer integer;
  lua_Number number;
  size_t len;
  switch (*(*at)++) {
    case TAG_NIL: lua_pushnil(L); return true;
    case TAG_FALSE: lua_pushboolean(L, 0); return true;
    case TAG_TRUE: lua_pushboolean(L, 1); return true;
    case TAG_INTEGER:
      read_bytes(at, &integer, sizeof integer);
      lua_pushinteger(L, integer);
      return true;
    case TAG_NUMBER:
      read_bytes(at, &number, sizeof number);
      lua_pushnumber(L, number);
      return true;
    case TAG_SHORT:
      len = *(*at)++;
      push_string(L, at, len);
      return true;
    case TAG_LONG:
      read_bytes(at, &len, sizeof len);
      push_string(L, at, len);
      return true;
    case TAG_TABLE:
      read_bytes(at, &len, sizeof len);
      lua_createtable(L, (int)len, 0);
      while (push_value(L, at)) {
        (void)push_value(L, at);
        lua_rawset(L, -3);
      }
      return true;
    default: return false;
  }
}

void values_decode(lua_State *L, const message *from) {
  const unsigned char *at = from->bytes;
  size_t i;
  luaL_checkstack(L, (int)from->count + VALUES_SLOTS, "the values of a message");
  for (i = 0; i < from->count; i++) (void)push_value(L, &at);
  assert(at == from->bytes + from->len);
}
