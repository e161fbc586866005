/*
** lua_aux.h: what lauxlib lacks: registration of classes, readers of arguments and of fields.
*/
#ifndef APIVIDEO_LUA_AUX_H
#define APIVIDEO_LUA_AUX_H

#include <stdbool.h>
#include <stddef.h>

#include "compat.h"

/* Registers a class of userdata: `methods` are what Lua code can call on an object, `metamethods` what Lua
   itself calls. The metatable is locked: getmetatable returns `name`, so that Lua code can neither call a
   finalizer nor replace a method. It may exist already, complete or incomplete (when an earlier call ran
   out of memory): it is filled again. Stack: [-0, +0, m]. */
void aux_new_class(lua_State *L, const char *name, const luaL_Reg *methods,
                   const luaL_Reg *metamethods);

/* Raises the argument error "`expected` expected, got TYPE". Never returns.
   Stack: [-0, +0, v]. */
int aux_type_error(lua_State *L, int index, const char *expected);

/* Returns the whole number at `index` (a string of one is converted). Raises an argument error for NaN, a fraction,
   a number outside low..high or any other value. The range is checked before the conversion: in C, that of NaN or of
   a double beyond the integer's range is undefined. Stack: [-0, +0, v]. */
lua_Integer aux_check_integer(lua_State *L, int index, lua_Integer low, lua_Integer high);

/* Raises the argument error of aux_check_bytes. Never returns. Stack: [-0, +0, v]. */
int aux_bytes_error(lua_State *L, int index, const char *name);

/* Returns the bytes of the string at `index`; raises an argument error that calls the argument `name` if it is not a string. A
   number is not converted: its text may differ from the bytes that arrived. Inline, because each
   delivery needs it. Stack: [-0, +0, v]. */
static inline const char *aux_check_bytes(lua_State *L, int index, const char *name, size_t *len) {
  if (lua_type(L, index) != LUA_TSTRING) aux_bytes_error(L, index, name);
  return lua_tolstring(L, index, len);
}

/* Readers of a field of the table at `index`, an absolute index. Each raises an error that names the field if
   it has another type. Metamethods of the table may run any Lua code. */

/* Returns a string field, and pushes it, so that it is anchored while the caller uses it. Pushes nil and returns
   NULL when it is nil and `optional`. Stack: [-0, +1, e]. */
const char *aux_string_field(lua_State *L, int index, const char *name, bool optional, size_t *len);

/* Like aux_string_field, for a C string: an embedded NUL raises an error.
   Stack: [-0, +1, e]. */
const char *aux_plain_field(lua_State *L, int index, const char *name, bool optional);

/* Returns a number field times `unit`, rounded down: 1 to 2147483647. Stack: [-0, +0, e]. */
long aux_number_field(lua_State *L, int index, const char *name, double unit);

/* Returns a boolean field; `absent` when it is nil. Stack: [-0, +0, e]. */
bool aux_boolean_field(lua_State *L, int index, const char *name, bool absent);

#endif
