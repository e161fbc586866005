/*
** Lua values of JSON, and apivideo.core.json: decode, list.
*/
#include "json_lua.h"

#include <math.h>
#include <string.h>

#include "../common/lua_aux.h"

/* Bytes of an escaped string that are decoded on the C stack. A longer one needs a userdata. */
#define DECODED 512

/* Decodes a string or name with escapes to `out`, which has room for value->len bytes: no escape is shorter than what
   it stands for. Returns the length. */
static size_t unescape(const char *input, const json_value *value, char *out) {
  const char *at = input + value->start, *const end = at + value->len;
  char *next = out;
  while (at < end) {
    const char *escape = memchr(at, '\\', (size_t)(end - at));
    char decoded[4];
    size_t len;
    if (escape == NULL) escape = end;
    memcpy(next, at, (size_t)(escape - at));
    next += escape - at;
    at = escape;
    if (at == end) break;
    len = json_unescape(&at, decoded);
    memcpy(next, decoded, len);
    next += len;
  }
  return (size_t)(next - out);
}

/* luaL_Buffer would use up to LUA_MINSTACK slots in Lua 5.1. */
void json_push_string(lua_State *L, const char *bytes, const json_value *value) {
  char small[DECODED], *out = small;
  if (!value->escaped) {
    lua_pushlstring(L, bytes + value->start, value->len);
    return;
  }
  if (value->len > sizeof small) out = lua_newuserdata(L, value->len);
  lua_pushlstring(L, out, unescape(bytes, value, out));
  if (out != small) lua_remove(L, -2);
}

/* Pushes a number; its literal as a string, if this Lua cannot represent it. Stack: [-0, +1, m]. */
static void push_number(lua_State *L, const char *input, const json_value *value) {
  const char *const literal = input + value->start;
  if (value->kind == JSON_INTEGER) {
    int64_t integer;
    if (json_integer(literal, value->len, &integer) && integer <= COMPAT_INTEGER_MAX &&
        integer >= -COMPAT_INTEGER_MAX) {
      compat_pushinteger(L, integer);
      return;
    }
  } else {
    const double number = json_real(literal, value->len);
    if (isfinite(number)) {
      lua_pushnumber(L, number);
      return;
    }
  }
  lua_pushlstring(L, literal, value->len);
}

static void push_container(lua_State *L, const json_text *text, const json_value *container);

void json_push(lua_State *L, const json_text *text, const json_value *value) {
  switch ((json_kind)value->kind) {
    case JSON_NULL: lua_pushlightuserdata(L, NULL); break;
    case JSON_FALSE:
    case JSON_TRUE: lua_pushboolean(L, value->kind == JSON_TRUE); break;
    case JSON_INTEGER:
    case JSON_REAL: push_number(L, text->bytes, value); break;
    case JSON_STRING:
    case JSON_NAME: json_push_string(L, text->bytes, value); break;
    case JSON_ARRAY:
    case JSON_OBJECT: push_container(L, text, value); break;
  }
}

/* Pushes an array or object as a table. Recurses at most JSON_DEPTH_MAX deep. Stack: [-0, +1, m]. */
static void push_container(lua_State *L, const json_text *text, const json_value *container) {
  const json_value *const end = container + json_span(container), *value = container + 1;
  int i;
  luaL_checkstack(L, 4, "JSON"); /* the table, a name, and two for json_push_string */
  if (container->kind == JSON_ARRAY) {
    lua_createtable(L, (int)container->count, 0);
    lua_pushvalue(L, text->list);
    lua_setmetatable(L, -2);
    for (i = 1; value < end; i++, value += json_span(value)) {
      json_push(L, text, value);
      lua_rawseti(L, -2, i);
    }
    return;
  }
  lua_createtable(L, 0, (int)container->count);
  for (; value < end; value += 1 + json_span(value + 1)) {
    if (value[1].kind == JSON_NULL && !text->keeps_null) continue;
    json_push_string(L, text->bytes, value);
    json_push(L, text, value + 1);
    lua_rawset(L, -3);
  }
}

/* Stack index of the array of a list that has grown. */
#define GROWN 2

/* Stack: [-0, +0, m]. */
static void grow(json_list *list, size_t capacity) {
  lua_State *const L = list->owner;
  json_value *const values = lua_newuserdata(L, capacity * sizeof *values);
  memcpy(values, list->values, list->capacity * sizeof *values);
  lua_replace(L, GROWN); /* the collector may free the one before */
  list->values = values;
  list->capacity = capacity;
}

void json_list_init(json_list *list, lua_State *L, json_value *small) {
  lua_settop(L, GROWN);
  *list = (json_list){small, JSON_ENTRIES, grow, L};
}

/* decode(text) -> value | nil, message, offset. Its upvalue is the metatable of lists. The entries own nothing, so Lua
   may raise an error at any point. Stack: [-0, +1|3, v]. */
static int decode(lua_State *L) {
  json_value small[JSON_ENTRIES];
  json_list list;
  json_error error;
  size_t len;
  const json_text text = {aux_check_bytes(L, 1, "text", &len), lua_upvalueindex(1), true};
  json_list_init(&list, L, small);
  if (!json_parse(text.bytes, len, &list, &error)) {
    lua_pushnil(L);
    lua_pushstring(L, error.message);
    compat_pushinteger(L, error.offset);
    return 3;
  }
  json_push(L, &text, list.values);
  return 1;
}

void json_open(lua_State *L) {
  lua_createtable(L, 0, 2);
  lua_createtable(L, 0, 0); /* the metatable of lists: only marks a table, has no metamethods */
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "list");
  lua_pushcclosure(L, decode, 1);
  lua_setfield(L, -2, "decode");
}
