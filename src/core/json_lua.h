/*
** json_lua.h: Lua values of a JSON text that json_parse has read, and apivideo.core.json.
*/
#ifndef APIVIDEO_JSON_LUA_H
#define APIVIDEO_JSON_LUA_H

#include "../common/compat.h"
#include "json.h"

/* A text whose values are pushed. */
typedef struct json_text {
  const char *bytes;
  int list;        /* stack index of the metatable of lists */
  bool keeps_null; /* members of objects that are null are kept, otherwise omitted */
} json_text;

/* Pushes a string or name of the text `bytes`. Uses two slots. Stack: [-0, +1, m]. */
void json_push_string(lua_State *L, const char *bytes, const json_value *value);

/* Pushes any value. null is the light userdata NULL, as in lua-cjson and ngx; a number that this Lua cannot represent
   is its literal, as a string. A table of an array has the metatable of lists, so that an empty one remains an array
   when it is serialized. Stack: [-0, +1, m]. */
void json_push(lua_State *L, const json_text *text, const json_value *value);

/* Entries of a list's first array, on the C stack: enough for every documented event. */
#define JSON_ENTRIES 64

/* Initializes the list for a function whose only argument is the text: `small` has JSON_ENTRIES entries, and a larger
   array is a userdata at stack index 2. Stack: [-0, +1, -]. */
void json_list_init(json_list *list, lua_State *L, json_value *small);

/* Pushes the table `apivideo.core.json`: { decode, list }. Stack: [-0, +1, m]. */
void json_open(lua_State *L);

#endif
