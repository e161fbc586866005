#ifndef APIVIDEO_FUZZ_STATE_H
#define APIVIDEO_FUZZ_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

/* What libFuzzer calls. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
** Opens a Lua state that has `module`, opened by `open`, beside apivideo.core, and runs a script of
** the checkout. What the script returns stays on the stack, from index 1 on: first the function that
** takes an input. Ends the process if the script fails. The state lives as long as the process.
*/
lua_State *fuzz_open(const char *script, const char *module, lua_CFunction open);

/* Calls the script's function with an input. An error is a finding: it ends the process. */
void fuzz_run(lua_State *L, const uint8_t *data, size_t size);

/* Ends the process with a finding unless `holds`. */
#define FUZZ_CHECK(holds) \
  do {                    \
    if (!(holds)) fuzz_fail(#holds, __FILE__, __LINE__); \
  } while (0)

__attribute__((noreturn)) void fuzz_fail(const char *what, const char *file, int line);

#endif
