#ifndef APIVIDEO_HEADERS_LUA_H
#define APIVIDEO_HEADERS_LUA_H

#include <stddef.h>

#include "compat.h"

/*
** Adds one header to the table at the top of the stack, under its lower-case name: a string, or
** an array of strings once the name repeats (the convention of ngx.req.get_headers).
** Stack: [-0, +0]. Copies both strings.
*/
void headers_add(lua_State *L, const char *name, size_t name_len, const char *value,
                 size_t value_len);

#endif
