/*
** apivideo.core.event: compile.
**
** compile turns a schema into a function that parses: a closure. Its upvalues are the event_schema (a userdata),
** the metatable of lists, and the names as Lua strings: the fields in the order of their numbers, then the types.
** The schema points into these strings, so they live as long as the closure; an event's names are pushed from them
** instead of being created again.
**
** Invariant: nothing in a schema changes once it is compiled, so a finalizer may parse while another parse runs.
*/
#include "event_lua.h"

#include "../common/lua_aux.h"
#include "event.h"
#include "json_lua.h"

/* Upvalues of parse. */
#define SCHEMA 1
#define LIST 2
#define FIRST_NAME 3

/* --- parse ----------------------------------------------------------------------------------- */

/* Pushes an event. Known names are upvalues. Stack: [-0, +1, m]. */
static void push_event(lua_State *L, const event_schema *schema, const char *input,
                       const json_value *event) {
  const json_text text = {input, lua_upvalueindex(LIST), false};
  const json_value *const end = event + json_span(event), *name;
  lua_createtable(L, 0, (int)event->count);
  for (name = event + 1; name < end; name += 1 + json_span(name + 1)) {
    const json_value *const value = name + 1;
    if (value->kind == JSON_NULL) continue;
    if (name->tag != 0) {
      lua_pushvalue(L, lua_upvalueindex(FIRST_NAME + name->tag - 1));
    } else {
      json_push_string(L, input, name);
    }
    if (value->tag != 0) {
      lua_pushvalue(L, lua_upvalueindex(FIRST_NAME + schema->fields.count + value->tag - 1));
    } else if (value->kind == JSON_STRING && !value->escaped) {
      lua_pushlstring(L, input + value->start, value->len);
    } else {
      json_push(L, &text, value);
    }
    lua_rawset(L, -3);
  }
}

/* Pushes nil, kind, message, field | nil [, offset]. Stack: [-0, +4|5, m]. */
static int push_error(lua_State *L, const event_error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->status == EVENT_BAD_JSON    ? "bad_json"
                    : error->status == EVENT_TOO_LARGE ? "too_large"
                                                       : "bad_event");
  lua_pushstring(L, error->message);
  if (error->field != NULL) {
    lua_pushlstring(L, error->field, error->field_len);
  } else {
    lua_pushnil(L);
  }
  if (!error->has_offset) return 4;
  compat_pushinteger(L, error->offset);
  return 5;
}

/* parse(raw) -> event | nil, kind, message, field | nil, offset | nil: the function that compile returns. The
   entries own nothing, so Lua may raise an error at any point. Stack: [-0, +1|4|5, v]. */
static int parse(lua_State *L) {
  json_value small[JSON_ENTRIES];
  json_list list;
  event_error error;
  size_t len;
  const char *const raw = aux_check_bytes(L, 1, "raw body", &len);
  const event_schema *const schema = lua_touserdata(L, lua_upvalueindex(SCHEMA));
  json_list_init(&list, L, small);
  if (!event_parse(schema, raw, len, &list, &error)) return push_error(L, &error);
  push_event(L, schema, raw, list.values);
  return 1;
}

/* --- compile --------------------------------------------------------------------------------- */

/* Stack indices in compile. */
#define FIELDS 3
#define TYPES 4

/* Adds the type at stack index -2 and the required fields of its definition, at -1. Each name that is new to the
   schema is stored in the list at index FIELDS or TYPES, which anchors it: the schema points into that string. An
   equal name that follows may be another string, because Lua 5.2 and later do not intern long strings: it must not
   replace the first one. Raises an error if the definition is invalid. Stack: [-0, +0, v]. */
static void compile_type(lua_State *L, event_schema *schema) {
  size_t len, i, count;
  const char *name;
  int type;
  if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TTABLE)
    luaL_argerror(L, 1, "type name (string) -> definition (table) expected");
  name = lua_tolstring(L, -2, &len);
  count = schema->types.count;
  type = len > 0 ? event_add_type(schema, name, len) : -1;
  if (type < 0) luaL_argerror(L, 1, "type name is empty or too long, or there are too many types");
  if (schema->types.count > count) {
    lua_pushvalue(L, -2);
    lua_rawseti(L, TYPES, type + 1);
  }
  lua_pushliteral(L, "required");
  lua_rawget(L, -2);
  if (lua_type(L, -1) != LUA_TTABLE) luaL_argerror(L, 1, "`required` (a list of names) expected");
  count = compat_rawlen(L, -1);
  for (i = 1; i <= count; i++) {
    const unsigned known = schema->fields.count;
    int field;
    lua_rawgeti(L, -1, (int)i);
    name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : "";
    if (*name == '\0')
      luaL_argerror(L, 1, "`required` must contain names of fields only (non-empty strings)");
    field = event_add_required(schema, type, name, len);
    if (field < 0) luaL_argerror(L, 1, "field name is too long, or there are too many fields");
    if (schema->fields.count > known) {
      lua_rawseti(L, FIELDS, field + 1);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

/* Pushes the names of a list. The caller has reserved the slots. Stack: [-0, +count, -]. */
static void push_names(lua_State *L, int list, int count) {
  int i;
  for (i = 1; i <= count; i++) lua_rawgeti(L, list, i);
}

/* compile(types) -> parse. Its own upvalue is the metatable of lists. Stack: [-0, +1, v]. */
static int compile(lua_State *L) {
  event_schema *schema;
  int count;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  schema = lua_newuserdata(L, sizeof *schema);
  event_init(schema);
  lua_createtable(L, EVENT_FIELDS_MAX, 0);
  lua_createtable(L, EVENT_TYPES_MAX, 0); /* types, schema, FIELDS, TYPES */
  lua_pushliteral(L, EVENT_TYPE_FIELD);
  lua_rawseti(L, FIELDS, 1);
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) compile_type(L, schema);
  count = schema->fields.count + schema->types.count;
  luaL_checkstack(L, FIRST_NAME - 1 + count, "schema"); /* the upvalues of parse */
  lua_pushvalue(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  push_names(L, FIELDS, schema->fields.count);
  push_names(L, TYPES, schema->types.count);
  lua_pushcclosure(L, parse, FIRST_NAME - 1 + count);
  return 1;
}

/* --- open ------------------------------------------------------------------------------------ */

void event_open(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_pushcclosure(L, compile, 1);
  lua_setfield(L, -2, "compile");
}
