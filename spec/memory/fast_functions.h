/*
** fast_functions.h: recognizes the allocations of LuaJIT's fast functions.
**
** string.sub, char, reverse, lower, upper, and tostring of a number are written in assembler. They do not set the
** top of the stack before they allocate, and lj_err_mem sets it for Lua functions only. So the message of an
** out-of-memory error is pushed at the top of an earlier call, possibly over a frame that lj_err_mem's throw then
** reads: LuaJIT crashes (all 2.1 versions).
*/
#ifndef FAST_FUNCTIONS_H
#define FAST_FUNCTIONS_H

#include <stdbool.h>

/* Learns where these functions allocate. Does nothing if Lua is not LuaJIT. */
void fast_functions_learn(void);

/* Whether the current call comes from one of these places. For allocators. */
bool fast_functions_allocate(void);

#endif
