/*
** apivideo.core.signature: sign, verify, hmac.
**
** sign and verify each cache an HMAC context, and the key of its last initialization: for the same key, it is only
** reinitialized, which saves a third of the time for a short body. The context is created by the first call. It
** keeps the key until the Lua state closes, when libcrypto cleanses its copy.
**
** Re-entry: a finalizer may call these functions while one of them runs. Between the first use of a cached context
** and its digest, no call may run the collector (m, e or v in the manual), so no finalizer can use the same context
** in between. That is why the key is anchored in an upvalue, not in a table.
*/
#include "signature_lua.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "../common/lua_aux.h"
#include "signature.h"

#define HMAC "apivideo.hmac"

/* Upvalues of sign and of verify. */
#define CACHED 1 /* an hmac_object */
#define KEY 2    /* the string that its `key` points into, or nil */

/* A userdata of class HMAC. Invariant of a cached one: `key` is NULL or points into the string in KEY. */
typedef struct hmac_object {
  signature_context *context; /* NULL: not yet created, or finished */
  const char *key;            /* cached: the last key, which is only compared, or NULL */
  bool can_reinit;            /* cached: signature_can_reinit() */
  bool freed;                 /* the finalizer has run */
} hmac_object;

/* Frees the context, if there is one. */
static void free_context(hmac_object *hmac) {
  signature_free(hmac->context);
  hmac->context = NULL;
  hmac->key = NULL;
  hmac->freed = true;
}

/* --- arguments ------------------------------------------------------------------------------- */

/* Returns the secret at index `i`; NULL unless it is a non-empty string. Stack: [-0, +0, -]. */
static const char *to_secret(lua_State *L, int i, size_t *len) {
  const char *secret = NULL;
  *len = 0;
  if (lua_type(L, i) == LUA_TSTRING) secret = lua_tolstring(L, i, len);
  return secret != NULL && *len > 0 ? secret : NULL;
}

/* Returns the secret at index `i`; raises an error if it is not a secret. Stack: [-0, +0, v]. */
static const char *check_secret(lua_State *L, int i, size_t *len) {
  const char *const secret = to_secret(L, i, len);
  if (secret == NULL && lua_type(L, i) == LUA_TSTRING)
    luaL_argerror(L, i, "the secret is an empty string");
  if (secret == NULL) aux_type_error(L, i, "secret (non-empty string)");
  return secret;
}

/* Returns the secret at the top, from the list at index `i`; raises an error if it is not a secret.
   Stack: [-0, +0, v]. */
static const char *check_listed(lua_State *L, int i, size_t *len) {
  const char *const secret = to_secret(L, -1, len);
  if (secret == NULL) luaL_argerror(L, i, "list of secrets (non-empty strings) expected");
  return secret;
}

/* Returns the length of the list of secrets at index `i`, an absolute index of a table; raises an error if it is not
   such a list. Other keys would be ignored, such as those of secrets by webhook id. Stack: [-0, +0, v]. */
static int check_secrets(lua_State *L, int i) {
  const int count = (int)compat_rawlen(L, i);
  int keys = 0;
  if (count == 0) luaL_argerror(L, i, "list of secrets is empty: no signature could be valid");
  for (lua_pushnil(L); lua_next(L, i); lua_pop(L, 1)) {
    size_t len;
    (void)check_listed(L, i, &len);
    keys++;
  }
  if (keys != count) luaL_argerror(L, i, "list of secrets expected, without other keys");
  return count;
}

/* Reads the hexadecimal signature at index `i`. It is input from outside, so no value raises an error. Returns
   NULL, or the reason why it is not a signature. Stack: [-0, +0, -]. */
static const char *read_hex(lua_State *L, int i, unsigned char digest[SIGNATURE_BYTES]) {
  const int type = lua_type(L, i);
  size_t len;
  const char *hex;
  if (type == LUA_TNONE || type == LUA_TNIL) return "missing";
  if (type != LUA_TSTRING) return "malformed"; /* such as the list of a repeated header */
  hex = lua_tolstring(L, i, &len);
  return signature_from_hex(hex, len, digest) ? NULL : "malformed";
}

/* Pushes true, or false and the reason. Stack: [-0, +1|2, m]. */
static int push_result(lua_State *L, const char *reason) {
  lua_pushboolean(L, reason == NULL);
  if (reason == NULL) return 1;
  lua_pushstring(L, reason);
  return 2;
}

/* Pushes a digest in hexadecimal. Stack: [-0, +1, m]. */
static int push_hex(lua_State *L, const unsigned char digest[SIGNATURE_BYTES]) {
  char hex[SIGNATURE_HEX];
  signature_to_hex(digest, hex);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/* Raises an error because libcrypto failed. Removes libcrypto's own error from the queue of this thread, where it
   would be taken for the cause of a later failure, of TLS for example. Stack: [-0, +0, v]. */
static int raise_failure(lua_State *L, const char *message) {
  ERR_clear_error();
  return luaL_error(L, "%s", message);
}

/* --- sign, verify ---------------------------------------------------------------------------- */

/* Returns the cached context; creates it on the first call. Raises an error if libcrypto fails.
   Stack: [-0, +0, v]. */
static hmac_object *cached_hmac(lua_State *L) {
  hmac_object *const cached = lua_touserdata(L, lua_upvalueindex(CACHED));
  if (cached->context == NULL) {
    cached->context = signature_new();
    if (cached->context == NULL) (void)raise_failure(L, "libcrypto has no HMAC-SHA256");
    cached->can_reinit = signature_can_reinit(cached->context);
  }
  return cached;
}

/* Initializes the cached context with the secret at index `i`. Same pointer, same key: KEY keeps the string alive,
   so the address cannot be reused. Stack: [-0, +0, -]. */
static bool init(lua_State *L, hmac_object *cached, int i, const char *secret, size_t len) {
  if (secret == cached->key && cached->can_reinit) return signature_reinit(cached->context);
  cached->key = NULL;
  if (!signature_init(cached->context, secret, len)) return false;
  lua_pushvalue(L, i);
  lua_replace(L, lua_upvalueindex(KEY));
  cached->key = secret;
  return true;
}

/* Signs with the secret at index `i`. Raises an error if libcrypto fails; the context is no longer used then.
   Stack: [-0, +0, v]. */
static void calculate(lua_State *L, int i, const char *secret, size_t secret_len, const char *raw,
                      size_t len, unsigned char digest[SIGNATURE_BYTES]) {
  hmac_object *const cached = cached_hmac(L);
  const bool done = init(L, cached, i, secret, secret_len) &&
                    signature_update(cached->context, raw, len) &&
                    signature_final(cached->context, digest);
  if (!done) cached->key = NULL; /* the next call must not reinitialize a failed context */
  /* Called by a finalizer as the state closes, after free_hmac. */
  if (cached->freed) free_context(cached);
  if (!done) (void)raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
}

/* sign(raw, secret) -> 64 lower-case hexadecimal digits. Stack: [-0, +1, v]. */
static int sign(lua_State *L) {
  unsigned char digest[SIGNATURE_BYTES];
  size_t len, secret_len;
  const char *const raw = aux_check_bytes(L, 1, "raw bytes", &len);
  const char *const secret = check_secret(L, 2, &secret_len);
  calculate(L, 2, secret, secret_len, raw, len, digest);
  return push_hex(L, digest);
}

/* Whether `received` is the signature with a secret of the list at index `i`, which has been checked. Tries all of
   them. Stack: [-0, +0, v]. */
static bool any_matches(lua_State *L, int i, int count, const char *raw, size_t len,
                        const unsigned char received[SIGNATURE_BYTES],
                        unsigned char digest[SIGNATURE_BYTES]) {
  int n, matches = 0;
  for (n = 1; n <= count; n++) {
    size_t secret_len;
    const char *secret;
    lua_rawgeti(L, i, n);
    secret = check_listed(L, i, &secret_len);
    calculate(L, -1, secret, secret_len, raw, len, digest);
    matches |= CRYPTO_memcmp(digest, received, SIGNATURE_BYTES) == 0;
    lua_pop(L, 1);
  }
  return matches != 0;
}

/* verify(raw, hex, secret | secrets) -> true | false, "missing" | "malformed" | "mismatch". Tries every secret, in
   constant time: the time reveals neither which secret matches, nor how many bytes of a forged signature are
   right. Stack: [-0, +1|2, v]. */
static int verify(lua_State *L) {
  unsigned char received[SIGNATURE_BYTES], digest[SIGNATURE_BYTES];
  size_t len, secret_len;
  const char *const raw = aux_check_bytes(L, 1, "raw bytes", &len), *reason;
  const bool is_list = lua_type(L, 3) == LUA_TTABLE;
  const int count = is_list ? check_secrets(L, 3) : 0;
  const char *const secret = is_list ? NULL : check_secret(L, 3, &secret_len);
  bool matches;
  reason = read_hex(L, 2, received);
  if (reason != NULL) return push_result(L, reason);
  if (is_list) {
    matches = any_matches(L, 3, count, raw, len, received, digest);
  } else {
    calculate(L, 3, secret, secret_len, raw, len, digest);
    matches = CRYPTO_memcmp(digest, received, sizeof digest) == 0;
  }
  OPENSSL_cleanse(digest, sizeof digest); /* the valid signature of possibly forged bytes */
  return push_result(L, matches ? NULL : "mismatch");
}

/* --- hmac ------------------------------------------------------------------------------------ */

/* Pushes a userdata without a context. Stack: [-0, +1, m]. */
static hmac_object *push_hmac(lua_State *L) {
  hmac_object *const hmac = lua_newuserdata(L, sizeof *hmac);
  hmac->context = NULL;
  hmac->key = NULL;
  hmac->can_reinit = false;
  hmac->freed = false;
  luaL_getmetatable(L, HMAC);
  lua_setmetatable(L, -2);
  return hmac;
}

/* hmac(secret) -> an HMAC that takes its bytes in parts. Stack: [-0, +1, v]. */
static int new_hmac(lua_State *L) {
  hmac_object *hmac;
  size_t len;
  const char *const secret = check_secret(L, 1, &len);
  hmac = push_hmac(L);
  hmac->context = signature_new();
  if (hmac->context == NULL || !signature_init(hmac->context, secret, len))
    return raise_failure(L, "libcrypto has no HMAC-SHA256");
  return 1;
}

/* The finalizer, which may run twice. Stack: [-0, +0, v]. */
static int free_hmac(lua_State *L) {
  free_context(luaL_checkudata(L, 1, HMAC));
  return 0;
}

/* Returns the HMAC at index 1; raises an error if it is finished. Stack: [-0, +0, v]. */
static hmac_object *check_hmac(lua_State *L) {
  hmac_object *const hmac = luaL_checkudata(L, 1, HMAC);
  if (hmac->context == NULL)
    luaL_error(L, "the HMAC is finished; create another one with hmac(secret)");
  return hmac;
}

/* Finishes the HMAC at index 1 and frees its context. Raises an error if libcrypto fails. Stack: [-0, +0, v]. */
static void finish_hmac(lua_State *L, unsigned char digest[SIGNATURE_BYTES]) {
  hmac_object *const hmac = check_hmac(L);
  const bool done = signature_final(hmac->context, digest);
  free_context(hmac);
  if (!done) (void)raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
}

/* hmac:update(bytes) -> hmac. Stack: [-0, +1, v]. */
static int update_hmac(lua_State *L) {
  hmac_object *const hmac = check_hmac(L);
  size_t len;
  const char *const bytes =
      aux_check_bytes(L, 2, "raw bytes", &len); /* allocates only if it raises */
  if (!signature_update(hmac->context, bytes, len))
    return raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
  lua_settop(L, 1);
  return 1;
}

/* hmac:sign() -> 64 lower-case hexadecimal digits. Finishes the HMAC. Stack: [-0, +1, v]. */
static int sign_hmac(lua_State *L) {
  unsigned char digest[SIGNATURE_BYTES];
  finish_hmac(L, digest);
  return push_hex(L, digest);
}

/* hmac:verify(hex) -> like verify. Finishes the HMAC. Stack: [-0, +1|2, v]. */
static int verify_hmac(lua_State *L) {
  unsigned char received[SIGNATURE_BYTES], digest[SIGNATURE_BYTES];
  const char *reason;
  finish_hmac(L, digest);
  reason = read_hex(L, 2, received);
  if (reason == NULL && CRYPTO_memcmp(digest, received, sizeof digest) != 0) reason = "mismatch";
  OPENSSL_cleanse(digest, sizeof digest);
  return push_result(L, reason);
}

/* --- open ------------------------------------------------------------------------------------ */

static const luaL_Reg methods[] = {
    {"update", update_hmac}, {"sign", sign_hmac}, {"verify", verify_hmac}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", free_hmac}, {"__close", free_hmac}, {NULL, NULL}};

/* Pushes a function with a context of its own. Stack: [-0, +1, m]. */
static void push_caching(lua_State *L, lua_CFunction function) {
  (void)push_hmac(L);
  lua_pushnil(L);
  lua_pushcclosure(L, function, 2);
}

void signature_open(lua_State *L) {
  aux_new_class(L, HMAC, methods, metamethods);
  lua_createtable(L, 0, 3);
  push_caching(L, sign);
  lua_setfield(L, -2, "sign");
  push_caching(L, verify);
  lua_setfield(L, -2, "verify");
  lua_pushcfunction(L, new_hmac);
  lua_setfield(L, -2, "hmac");
}
