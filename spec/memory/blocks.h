/*
** blocks.h: counts this process's allocations, and fails them on demand. blocks.c replaces malloc and related
** functions for the whole process, including libraries, and has an allocator for Lua states. Not thread-safe.
*/
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/* The code in which allocations fail. */
typedef enum { BLOCKS_LUA, BLOCKS_C } blocks_layer;

typedef enum {
  BLOCKS_ONCE,   /* the n-th fails, and Lua's retry after a garbage collection */
  BLOCKS_FROM,   /* the n-th and all later ones fail */
  BLOCKS_COLLECT /* the n-th fails, and Lua's retry succeeds: a garbage collection at that point */
} blocks_mode;

/* Fails the n-th allocation from now on. With `explain`, prints its backtrace. */
void blocks_fail(blocks_layer layer, blocks_mode mode, long n, bool explain);
/* Stops failing allocations. Returns whether one has failed. */
bool blocks_relent(void);

/* A lua_Alloc. */
void *blocks_lua(void *context, void *block, size_t old_size, size_t new_size);
/* The bytes that Lua states have allocated. */
size_t blocks_lua_bytes(void);

/* The number of the newest C block. Numbers only increase. */
long blocks_newest(void);
/* The number of live C blocks that are newer than this one. With `explain`, prints them, with their backtraces if
   those were recorded. */
long blocks_left(long newest, bool explain);
/* Records the backtrace of each allocation from now on. */
void blocks_keep_traces(void);

/* Prints a backtrace, innermost call first. */
void blocks_print_trace(void *const *trace, int length);

#endif
