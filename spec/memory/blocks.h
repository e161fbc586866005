/*
** blocks.h: this process's allocations, counted, and failing on demand. blocks.c takes the place of
** malloc and its kin for the whole process, libraries included, and has an allocator for Lua states.
** For one thread.
*/
#ifndef BLOCKS_H
#define BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

/* Whose allocations fail. */
typedef enum { BLOCKS_LUA, BLOCKS_C } blocks_layer;

typedef enum {
  BLOCKS_ONCE,   /* the n-th fails, and so does what a Lua tries again after collecting its garbage */
  BLOCKS_FROM,   /* the n-th fails, and all after it */
  BLOCKS_COLLECT /* the n-th fails; what a Lua tries again succeeds: a collection at that point */
} blocks_mode;

/* Lets the n-th allocation from now on fail; with `explain`, prints the calls that led there. */
void blocks_fail(blocks_layer layer, blocks_mode mode, long n, bool explain);
/* Lets nothing fail any more; whether anything has. */
bool blocks_relent(void);

/* A lua_Alloc. */
void *blocks_lua(void *context, void *block, size_t old_size, size_t new_size);
/* Bytes that Lua states hold. */
size_t blocks_lua_bytes(void);

/* The number of the newest block of C's; they only grow. */
long blocks_newest(void);
/* How many of the blocks of C's newer than one are still there. With `explain`, prints them, and the
   calls that made them if those were kept. */
long blocks_left(long newest, bool explain);
/* From now on keeps the calls that make each block. */
void blocks_keep_traces(void);

/* Prints calls, innermost first. */
void blocks_print_trace(void *const *trace, int length);

#endif
