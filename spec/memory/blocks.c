/*
** Counts allocations and fails them on demand: see blocks.h. Fills new and freed memory with a pattern that is not
** a valid pointer, so that reading it crashes.
*/
#include "blocks.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fast_functions.h"

extern void *__libc_malloc(size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

#define EXPORT __attribute__((visibility("default")))
#define MAGIC 0x6170692e76696465 /* marks a live block */
#define TRACE 30
#define CALLER __builtin_return_address(0)

/* Precedes each C block. */
typedef struct header {
  struct header *previous, *next;
  void *at; /* the start of the allocation */
  size_t size;
  long number;
  void *trace[TRACE]; /* the backtrace of its allocation */
  uint64_t spared;
  uint64_t magic;
} header;

static header live = {.previous = &live, .next = &live};
static long newest;
static bool keeps_traces;
static size_t lua_bytes;

/* ---- failures ---- */

static struct {
  bool armed, explain, struck;
  blocks_layer layer;
  blocks_mode mode;
  long left; /* allocations until one fails */
} plan;

void blocks_fail(blocks_layer layer, blocks_mode mode, long n, bool explain) {
  plan.layer = layer;
  plan.mode = mode;
  plan.left = n;
  plan.explain = explain;
  plan.struck = false;
  plan.armed = true;
}

bool blocks_relent(void) {
  plan.armed = false;
  return plan.struck;
}

/* Prints the backtrace of the failing allocation. */
static void explain(void) {
  void *trace[TRACE] = {NULL};
  plan.armed = false;
  (void)fprintf(stderr, "  failed allocation:\n");
  blocks_print_trace(trace, backtrace(trace, TRACE));
  plan.armed = true;
}

/* Whether this allocation fails. */
static bool fails(blocks_layer layer) {
  if (!plan.armed || plan.layer != layer) return false;
  if (plan.struck && plan.mode != BLOCKS_FROM) return false;
  if (!plan.struck && --plan.left > 0) return false;
  if (layer == BLOCKS_LUA && fast_functions_allocate()) return false; /* LuaJIT would crash */
  if (plan.struck) return true;
  plan.struck = true;
  if (plan.explain) explain();
  return true;
}

void blocks_print_trace(void *const *trace, int length) {
  int i;
  for (i = 0; i < length && trace[i] != NULL; i++) {
    Dl_info info;
    if (dladdr(trace[i], &info) == 0) continue;
    (void)fprintf(stderr, "    %s %s +0x%zx\n", info.dli_fname,
                  info.dli_sname ? info.dli_sname : "?",
                  (size_t)((char *)trace[i] - (char *)info.dli_fbase));
  }
}

/* ---- C ---- */

/* Whether a call came from a library that does not handle a failure: lua-cjson aborts the process, and leaks if Lua
   is out of memory; libgcc, where LuaJIT registers its machine code, crashes; Lua 5.4 may leak what the dynamic
   linker loads, and the linker keeps threads' blocks. */
static bool is_spared(const void *caller) {
  static const char *const libraries[] = {"/cjson.so", "/libgcc_s", "/ld-linux", NULL};
  const char *const *library;
  Dl_info info;
  if (dladdr(caller, &info) == 0) return false;
  for (library = libraries; *library != NULL; library++)
    if (strstr(info.dli_fname, *library) != NULL) return true;
  return false;
}

/* Whether a block belongs to a cache of the process: OpenSSL 3.0 adds an entry each time an allocation fails during the
   lookup of an algorithm. */
static bool is_cached(const header *block) {
  int i;
  for (i = 0; i < TRACE && block->trace[i] != NULL; i++) {
    Dl_info info;
    if (dladdr(block->trace[i], &info) == 0 || info.dli_sname == NULL) continue;
    if (strcmp(info.dli_sname, "EVP_MAC_fetch") == 0 || strcmp(info.dli_sname, "EVP_MD_fetch") == 0)
      return true;
  }
  return false;
}

/* Allocates a block; NULL if this allocation must fail. */
static void *make(size_t alignment, size_t size, void *caller) {
  const bool spared = is_spared(caller);
  const size_t room = (sizeof(header) + alignment - 1) / alignment * alignment;
  header *block;
  char *at = NULL;
  if ((spared || !fails(BLOCKS_C)) && size < SIZE_MAX - room)
    at = alignment > 16 ? __libc_memalign(alignment, room + size) : __libc_malloc(room + size);
  if (at == NULL) {
    errno = ENOMEM;
    return NULL;
  }
  block = (void *)(at + room - sizeof *block);
  memset(block->trace, 0, sizeof block->trace);
  if (keeps_traces && !spared) (void)backtrace(block->trace, TRACE);
  block->at = at;
  block->size = size;
  block->number = ++newest;
  block->spared = spared;
  block->magic = MAGIC;
  block->previous = &live;
  block->next = live.next;
  block->next->previous = live.next = block;
  return memset(block + 1, 0xcb, size);
}

/* The header of a live block. Aborts the process if the block is not live. */
static header *header_of(void *pointer) {
  header *const block = (header *)pointer - 1;
  if (block->magic != MAGIC) abort(); /* possibly a double free */
  return block;
}

EXPORT void *malloc(size_t size) {
  return make(16, size, CALLER);
}

EXPORT void *calloc(size_t number, size_t size) {
  void *const block =
      size != 0 && number > SIZE_MAX / size ? NULL : make(16, number * size, CALLER);
  return block == NULL ? NULL : memset(block, 0, number * size);
}

EXPORT void free(void *pointer) {
  header *block;
  void *at;
  if (pointer == NULL) return;
  block = header_of(pointer);
  block->previous->next = block->next;
  block->next->previous = block->previous;
  at = block->at;
  memset(block, 0xdb, sizeof *block + block->size);
  __libc_free(at);
}

/* Always moves the block, to detect stale pointers. */
EXPORT void *realloc(void *pointer, size_t size) {
  void *grown;
  size_t old;
  if (pointer == NULL) return make(16, size, CALLER);
  old = header_of(pointer)->size;
  grown = make(16, size, CALLER);
  if (grown == NULL) return NULL;
  memcpy(grown, pointer, old < size ? old : size);
  free(pointer);
  return grown;
}

EXPORT int posix_memalign(void **pointer, size_t alignment, size_t size) {
  void *const block = make(alignment, size, CALLER);
  if (block == NULL) return ENOMEM;
  *pointer = block;
  return 0;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  return make(alignment, size, CALLER);
}

EXPORT void *memalign(size_t alignment, size_t size) {
  return make(alignment, size, CALLER);
}

EXPORT size_t malloc_usable_size(void *pointer) {
  return pointer == NULL ? 0 : header_of(pointer)->size;
}

long blocks_newest(void) {
  return newest;
}

long blocks_left(long since, bool explaining) {
  const header *block;
  long left = 0;
  for (block = live.next; block != &live && block->number > since; block = block->next) {
    if (block->spared || is_cached(block)) continue;
    left++;
    if (!explaining) continue;
    (void)fprintf(stderr, "  left: block %ld of %zu bytes\n", block->number, block->size);
    blocks_print_trace(block->trace, TRACE);
  }
  return left;
}

void blocks_keep_traces(void) {
  keeps_traces = true;
}

/* ---- Lua ---- */

/* Whether this is a retry of the previous allocation. */
static bool is_retry(const void *block, size_t old_size, size_t new_size) {
  static struct {
    const void *block;
    size_t old_size, new_size;
  } last;
  const bool same = last.block == block && last.old_size == old_size && last.new_size == new_size;
  last.block = block;
  last.old_size = old_size;
  last.new_size = new_size;
  return same;
}

/*
** Whether a coroutine's stack grows: its first slot contains the coroutine. If this fails in a Lua function, the
** LuaJIT of Debian 12 writes the error message beyond the end of the stack.
*/
static bool is_stack_of_luajit(const void *block, size_t size) {
#ifdef LUA_JITLIBNAME
  enum { THREAD = 0x1fff9, TAG_SHIFT = 47 };
  uint64_t first;
  if (block == NULL || size < sizeof first) return false;
  memcpy(&first, block, sizeof first);
  return first >> TAG_SHIFT == THREAD;
#else
  (void)block, (void)size;
  return false;
#endif
}

/* Whether this allocation of Lua must fail. */
static bool fails_lua(const void *block, size_t old_size, size_t new_size) {
  static bool failed; /* the previous allocation */
  if (is_stack_of_luajit(block, old_size)) return false;
  const bool again = is_retry(block, old_size, new_size) && failed;
  failed = fails(BLOCKS_LUA) || (again && plan.armed && plan.mode == BLOCKS_ONCE);
  return failed;
}

/*
** Counts the sizes that it allocated itself, because the old_size of a Lua may be wrong after an error, without a leak.
*/
void *blocks_lua(void *context, void *block, size_t old_size, size_t new_size) {
  size_t *const old = block == NULL ? NULL : (size_t *)block - 2;
  const size_t held = old == NULL ? 0 : *old;
  size_t *moved = NULL;
  (void)context;
  if (new_size > 0) {
    if (new_size > held && fails_lua(block, old_size, new_size)) return NULL;
    moved = __libc_malloc(2 * sizeof *moved + new_size);
    if (moved == NULL) return NULL;
    *moved = new_size;
    moved += 2;
    memset(moved, 0xcb, new_size);
    if (old != NULL) memcpy(moved, block, held < new_size ? held : new_size);
  }
  if (old != NULL) {
    memset(old, 0xdb, 2 * sizeof *old + held);
    __libc_free(old);
  }
  lua_bytes += new_size - held;
  return moved;
}

size_t blocks_lua_bytes(void) {
  return lua_bytes;
}
