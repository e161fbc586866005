/*
** apivideo.core.signature: sign, verify, hmac.
**
** sign and verify each keep an HMAC context between calls, and the key that it was last initialised
** with: with the same key again it is only restarted, which takes a third off the time of a short body.
** The context is created on the first call. It keeps the key until the state closes, when libcrypto
** cleanses its copy.
**
** Re-entry: a finalizer may call these functions while one of them runs. From the first use of a kept
** context to its digest there is no call that may collect (m, e or v in the manual), so that no
** finalizer can use the same context in between: the key is anchored in an upvalue, not in a table.
*/
#include "signature_lua.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "signature.h"

#define HMAC "apivideo.hmac"

/* Upvalues of sign and of verify, each their own. */
#define KEPT 1 /* a struct hmac */
#define KEY 2  /* the string that its `key` points into, or nil */

/* A userdata of metatable HMAC. */
struct hmac {
  signature_context *context; /* NULL: not yet begun, or finished */
  const char *key;            /* of a kept one: the last key, only compared; or NULL */
  bool restarts;              /* of a kept one: signature_restarts() */
  bool freed;                 /* its finalizer has run */
};

/* Frees the context, if there is one. */
static void free_context(struct hmac *hmac) {
  signature_free(hmac->context);
  hmac->context = NULL;
  hmac->key = NULL;
  hmac->freed = true;
}

/* --- arguments ------------------------------------------------------------------------------- */

/* Raises that argument `i` is not what is expected. Returns 0, for the compiler. */
static int wrong_argument(lua_State *L, int i, const char *expected) {
  return luaL_argerror(L, i,
                       lua_pushfstring(L, "%s expected, got %s", expected, luaL_typename(L, i)));
}

/* Returns the bytes at index `i`; raises if they are no string. Numbers are none. */
static const char *check_bytes(lua_State *L, int i, size_t *length) {
  if (lua_type(L, i) != LUA_TSTRING)
    wrong_argument(L, i, "raw bytes (string, as they arrived, not a decoded table)");
  return lua_tolstring(L, i, length);
}

/* Returns the secret at index `i`; NULL if that is no string, or an empty one. */
static const char *to_secret(lua_State *L, int i, size_t *length) {
  const char *secret = NULL;
  *length = 0;
  if (lua_type(L, i) == LUA_TSTRING) secret = lua_tolstring(L, i, length);
  return secret != NULL && *length > 0 ? secret : NULL;
}

/* Returns the secret at index `i`; raises if it is none. */
static const char *check_secret(lua_State *L, int i, size_t *length) {
  const char *const secret = to_secret(L, i, length);
  if (secret == NULL) wrong_argument(L, i, "secret (non-empty string)");
  return secret;
}

/* Returns the secret at the top, of the list at index `i`; raises if it is not one. */
static const char *check_listed(lua_State *L, int i, size_t *length) {
  const char *const secret = to_secret(L, -1, length);
  if (secret == NULL) luaL_argerror(L, i, "list of secrets (non-empty strings) expected");
  return secret;
}

/* Returns the length of the list of secrets at index `i`, a table; raises if it is not such a list.
   Stack: [-0, +0, v]. */
static int check_secrets(lua_State *L, int i) {
  const int count = (int)compat_rawlen(L, i);
  int n;
  if (count == 0) luaL_argerror(L, i, "list of secrets is empty: no signature could hold");
  for (n = 1; n <= count; n++) {
    size_t length;
    lua_rawgeti(L, i, n);
    (void)check_listed(L, i, &length);
    lua_pop(L, 1);
  }
  return count;
}

/*
** Reads the hexadecimal signature at index `i`, which came from outside: whatever it is, it does
** not raise. Returns NULL, or why it is none.
*/
static const char *read_hex(lua_State *L, int i, unsigned char digest[SIGNATURE_BYTES]) {
  const int type = lua_type(L, i);
  size_t length;
  const char *hex;
  if (type == LUA_TNONE || type == LUA_TNIL) return "missing";
  if (type != LUA_TSTRING) return "malformed"; /* such as a repeated header's list */
  hex = lua_tolstring(L, i, &length);
  return signature_from_hex(hex, length, digest) ? NULL : "malformed";
}

/* Pushes true, or false and the reason. Stack: [-0, +1..2]. */
static int push_verdict(lua_State *L, const char *reason) {
  lua_pushboolean(L, reason == NULL);
  if (reason == NULL) return 1;
  lua_pushstring(L, reason);
  return 2;
}

/* Pushes a digest in hexadecimal. Stack: [-0, +1]. */
static int push_hex(lua_State *L, const unsigned char digest[SIGNATURE_BYTES]) {
  char hex[SIGNATURE_HEX];
  signature_to_hex(digest, hex);
  lua_pushlstring(L, hex, sizeof hex);
  return 1;
}

/*
** Raises that libcrypto failed. What it has queued about that in this thread is taken back: whoever
** asks it next about an error, of TLS say, would be told this one.
*/
static int raise_failure(lua_State *L, const char *message) {
  ERR_clear_error();
  return luaL_error(L, "%s", message);
}

/* --- sign, verify ---------------------------------------------------------------------------- */

/* Returns the kept context, which it creates if need be. Raises if libcrypto fails. */
static struct hmac *kept_hmac(lua_State *L) {
  struct hmac *const kept = lua_touserdata(L, lua_upvalueindex(KEPT));
  if (kept->context == NULL) {
    kept->context = signature_new();
    if (kept->context == NULL) (void)raise_failure(L, "libcrypto has no HMAC-SHA256");
    kept->restarts = signature_restarts(kept->context);
  }
  return kept;
}

/*
** Initialises the kept context with the secret at index `i`. The same address is the same key: KEY keeps
** the last one alive, so its address cannot be reused. Stack: [-0, +0, -].
*/
static bool begin(lua_State *L, struct hmac *kept, int i, const char *secret, size_t length) {
  if (secret == kept->key && kept->restarts) return signature_again(kept->context);
  kept->key = NULL;
  if (!signature_begin(kept->context, secret, length)) return false;
  lua_pushvalue(L, i);
  lua_replace(L, lua_upvalueindex(KEY));
  kept->key = secret;
  return true;
}

/*
** Signs with the secret at index `i`. Raises if libcrypto fails, after the context is done with.
** Stack: [-0, +0, v].
*/
static void calculate(lua_State *L, int i, const char *secret, size_t secret_length,
                      const char *raw, size_t length, unsigned char digest[SIGNATURE_BYTES]) {
  struct hmac *const kept = kept_hmac(L);
  const bool done = begin(L, kept, i, secret, secret_length) &&
                    signature_update(kept->context, raw, length) &&
                    signature_finish(kept->context, digest);
  if (!done) kept->key = NULL;         /* or the next call would restart what has failed */
  if (kept->freed) free_context(kept); /* in a finalizer, as the state closes: ours has run */
  if (!done) (void)raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
}

/* sign(raw, secret) -> 64 lower-case hexadecimal digits. Stack: [-0, +1]. */
static int sign(lua_State *L) {
  unsigned char digest[SIGNATURE_BYTES];
  size_t length, secret_length;
  const char *const raw = check_bytes(L, 1, &length);
  const char *const secret = check_secret(L, 2, &secret_length);
  calculate(L, 2, secret, secret_length, raw, length, digest);
  return push_hex(L, digest);
}

/*
** Is `given` the signature with a secret of the list at index `i`, which has been checked? Tries all.
** Stack: [-0, +0, v].
*/
static bool one_matches(lua_State *L, int i, int count, const char *raw, size_t length,
                        const unsigned char given[SIGNATURE_BYTES],
                        unsigned char digest[SIGNATURE_BYTES]) {
  int n, matches = 0;
  for (n = 1; n <= count; n++) {
    size_t secret_length;
    const char *secret;
    lua_rawgeti(L, i, n);
    secret = check_listed(L, i, &secret_length);
    calculate(L, -1, secret, secret_length, raw, length, digest);
    matches |= CRYPTO_memcmp(digest, given, SIGNATURE_BYTES) == 0;
    lua_pop(L, 1);
  }
  return matches != 0;
}

/*
** verify(raw, hex, secret | secrets) -> true | false, "missing" | "malformed" | "mismatch".
** Tries every secret, in constant time: how long it takes does not tell which one holds, nor how
** much of a forged signature is right. Stack: [-0, +1..2].
*/
static int verify(lua_State *L) {
  unsigned char given[SIGNATURE_BYTES], digest[SIGNATURE_BYTES];
  size_t length, secret_length;
  const char *const raw = check_bytes(L, 1, &length), *reason;
  const bool is_list = lua_type(L, 3) == LUA_TTABLE;
  const int count = is_list ? check_secrets(L, 3) : 0;
  const char *const secret = is_list ? NULL : check_secret(L, 3, &secret_length);
  bool matches;
  reason = read_hex(L, 2, given);
  if (reason != NULL) return push_verdict(L, reason);
  if (is_list) {
    matches = one_matches(L, 3, count, raw, length, given, digest);
  } else {
    calculate(L, 3, secret, secret_length, raw, length, digest);
    matches = CRYPTO_memcmp(digest, given, sizeof digest) == 0;
  }
  OPENSSL_cleanse(digest, sizeof digest); /* a right signature of what may be forged bytes */
  return push_verdict(L, matches ? NULL : "mismatch");
}

/* --- hmac ------------------------------------------------------------------------------------ */

/* Pushes a userdata without a context. Stack: [-0, +1]. */
static struct hmac *push_hmac(lua_State *L) {
  struct hmac *const hmac = lua_newuserdata(L, sizeof *hmac);
  hmac->context = NULL;
  hmac->key = NULL;
  hmac->restarts = false;
  hmac->freed = false;
  luaL_getmetatable(L, HMAC);
  lua_setmetatable(L, -2);
  return hmac;
}

/* hmac(secret) -> a calculation to be fed piece by piece. Stack: [-0, +1]. */
static int new_hmac(lua_State *L) {
  struct hmac *hmac;
  size_t length;
  const char *const secret = check_secret(L, 1, &length);
  hmac = push_hmac(L);
  hmac->context = signature_new();
  if (hmac->context == NULL || !signature_begin(hmac->context, secret, length))
    return raise_failure(L, "libcrypto has no HMAC-SHA256");
  return 1;
}

/* The finalizer. May run twice. Stack: [-0, +0]. */
static int free_hmac(lua_State *L) {
  free_context(luaL_checkudata(L, 1, HMAC));
  return 0;
}

/* Returns the calculation at index 1; raises if it is none or is finished. */
static struct hmac *check_hmac(lua_State *L) {
  struct hmac *const hmac = luaL_checkudata(L, 1, HMAC);
  if (hmac->context == NULL) luaL_error(L, "the HMAC is finished: make a new one");
  return hmac;
}

/* Finishes the calculation at index 1 and frees its context. Raises if libcrypto fails. */
static void finish_hmac(lua_State *L, unsigned char digest[SIGNATURE_BYTES]) {
  struct hmac *const hmac = check_hmac(L);
  const bool done = signature_finish(hmac->context, digest);
  free_context(hmac);
  if (!done) (void)raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
}

/* hmac:update(bytes) -> hmac. Stack: [-0, +1, v]. */
static int update_hmac(lua_State *L) {
  struct hmac *const hmac = check_hmac(L);
  size_t length;
  const char *const bytes = check_bytes(L, 2, &length); /* raises, or does not allocate */
  if (!signature_update(hmac->context, bytes, length))
    return raise_failure(L, "libcrypto failed to calculate HMAC-SHA256");
  lua_settop(L, 1);
  return 1;
}

/* hmac:sign() -> 64 lower-case hexadecimal digits. It is finished then. Stack: [-0, +1]. */
static int sign_hmac(lua_State *L) {
  unsigned char digest[SIGNATURE_BYTES];
  finish_hmac(L, digest);
  return push_hex(L, digest);
}

/* hmac:verify(hex) -> as verify(). It is finished then. Stack: [-0, +1..2]. */
static int verify_hmac(lua_State *L) {
  unsigned char given[SIGNATURE_BYTES], digest[SIGNATURE_BYTES];
  const char *reason;
  finish_hmac(L, digest);
  reason = read_hex(L, 2, given);
  if (reason == NULL && CRYPTO_memcmp(digest, given, sizeof digest) != 0) reason = "mismatch";
  OPENSSL_cleanse(digest, sizeof digest);
  return push_verdict(L, reason);
}

/* --- open ------------------------------------------------------------------------------------ */

static const luaL_Reg methods[] = {
    {"update", update_hmac}, {"sign", sign_hmac}, {"verify", verify_hmac}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", free_hmac}, {"__close", free_hmac}, {NULL, NULL}};

/* Pushes a function with a kept context of its own. Stack: [-0, +1, m]. */
static void push_kept(lua_State *L, lua_CFunction function) {
  (void)push_hmac(L);
  lua_pushnil(L);
  lua_pushcclosure(L, function, 2);
}

void signature_open(lua_State *L) {
  (void)luaL_newmetatable(L, HMAC); /* or an old one: whole, or half-made when memory was out */
  compat_setfuncs(L, metamethods);
  lua_createtable(L, 0, 3);
  compat_setfuncs(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, HMAC);
  lua_setfield(L, -2, "__metatable"); /* nobody else can call __gc or change the methods */
  lua_pop(L, 1);
  lua_createtable(L, 0, 3);
  push_kept(L, sign);
  lua_setfield(L, -2, "sign");
  push_kept(L, verify);
  lua_setfield(L, -2, "verify");
  lua_pushcfunction(L, new_hmac);
  lua_setfield(L, -2, "hmac");
}
