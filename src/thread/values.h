/*
** values.h: plain values of Lua as bytes, to copy them from one Lua state to another: nil, booleans, numbers (5.3 and
** later: with their subtype), strings, and tables of these. Metatables are not copied, and a table that occurs twice
** becomes two.
*/
#ifndef APIVIDEO_THREAD_VALUES_H
#define APIVIDEO_THREAD_VALUES_H

#include "../common/compat.h"
#include "queue.h"

#define VALUES_DEPTH_MAX 16                     /* of nested tables */
#define VALUES_SLOTS (3 * VALUES_DEPTH_MAX + 3) /* of the stack, for a table */

/* Returns a new message with the values from the index `first` to the top. Returns NULL, and leaves anything above
   them, if one is not plain: then `problem` says why; it is NULL if memory is exhausted. The caller has reserved
   VALUES_SLOTS, unless no value is a table. Stack: [-0, +?, -]. */
message *values_encode(lua_State *L, int first, const char **problem);

/* Pushes the values of a message. Stack: [-0, +n, v]. */
void values_decode(lua_State *L, const message *from);

#endif
