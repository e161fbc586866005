/*
** fast_functions.h: which allocations LuaJIT's fast functions ask for.
**
** string.sub, char, reverse, lower, upper, and tostring of a number are written in assembler. They do not
** set the top of the stack before they allocate, and lj_err_mem sets it for functions written in Lua only.
** So the message of an error of memory is pushed at the top that an earlier call left, which may be over a
** frame that lj_err_mem's throw then reads: LuaJIT crashes (each version of 2.1).
*/
#ifndef FAST_FUNCTIONS_H
#define FAST_FUNCTIONS_H

#include <stdbool.h>

/* Learns where in the interpreter these functions allocate. Does nothing where the Lua is not LuaJIT. */
void fast_functions_learn(void);

/* Whether the calls that led here came through one of these places. For allocators. */
bool fast_functions_allocate(void);

#endif
