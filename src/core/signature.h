/*
** signature.h: HMAC-SHA256 on libcrypto, 3.x or 1.1.1, without Lua.
*/
#ifndef APIVIDEO_SIGNATURE_H
#define APIVIDEO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "../common/compat_openssl.h"

#if !COMPAT_EVP_MAC
#include <openssl/hmac.h>
#endif

#define SIGNATURE_BYTES 32
#define SIGNATURE_HEX 64

/* An HMAC context. It can be initialized again, with the same key or another one. */
#if COMPAT_EVP_MAC
typedef EVP_MAC_CTX signature_context;
#else
typedef HMAC_CTX signature_context;
#endif

/* Returns a context that the caller frees, or NULL. Slow, because it looks up the algorithm. */
signature_context *signature_new(void);

/* Frees a context; NULL is allowed. libcrypto cleanses the key that it contains. */
void signature_free(signature_context *context);

/* The steps of one HMAC; each returns false if libcrypto fails. signature_reinit starts another HMAC with the key of
   the last signature_init, which it does not process again. It may be used only if signature_can_reinit returns true,
   which does not change while a context exists. */
bool signature_init(signature_context *context, const char *key, size_t len);
bool signature_can_reinit(signature_context *context);
bool signature_reinit(signature_context *context);
bool signature_update(signature_context *context, const char *bytes, size_t len);
bool signature_final(signature_context *context, unsigned char digest[SIGNATURE_BYTES]);

/* Converts a digest to 64 lower-case hexadecimal digits. */
void signature_to_hex(const unsigned char digest[SIGNATURE_BYTES], char hex[SIGNATURE_HEX]);
/* Converts 64 hexadecimal digits of either case to a digest; false for any other text. Upper case is accepted: the
   signature is the 32 bytes, and rejecting a spelling would lose a genuine event. */
bool signature_from_hex(const char *hex, size_t len, unsigned char digest[SIGNATURE_BYTES]);

#endif
