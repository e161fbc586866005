/*
** Fuzz target: signatures. signature.lua splits the input and calls the library. This file has the reference that it
** compares with: libcrypto's own HMAC.
*/
#include "../../src/core/signature.h"

#include <stdio.h>
#include <strings.h>

#include <openssl/hmac.h>

#include "state.h"

static lua_State *state;

/* hmac(raw, secret) -> 64 hexadecimal digits. Stack: [-0, +1, v]. */
static int reference(lua_State *L) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  char hex[2 * SIGNATURE_BYTES + 1];
  unsigned len = 0;
  size_t raw_len, secret_len, i;
  const char *raw = luaL_checklstring(L, 1, &raw_len);
  const char *secret = luaL_checklstring(L, 2, &secret_len);
  FUZZ_CHECK(HMAC(EVP_sha256(), secret, (int)secret_len, (const unsigned char *)raw, raw_len,
                  digest, &len) != NULL);
  FUZZ_CHECK(len == SIGNATURE_BYTES);
  for (i = 0; i < SIGNATURE_BYTES; i++)
    (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)digest[i]);
  lua_pushlstring(L, hex, SIGNATURE_HEX);
  return 1;
}

/* Pushes the module: the function. Stack: [-0, +1, -]. */
static int open_reference(lua_State *L) {
  lua_pushcfunction(L, reference);
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  state = fuzz_open("spec/fuzz/signature.lua", "reference", open_reference);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char digest[SIGNATURE_BYTES];
  char hex[SIGNATURE_HEX];
  if (signature_from_hex((const char *)data, size, digest)) {
    FUZZ_CHECK(size == SIGNATURE_HEX);
    signature_to_hex(digest, hex);
    FUZZ_CHECK(strncasecmp(hex, (const char *)data, size) == 0);
  }
  fuzz_run(state, data, size);
  return 0;
}
