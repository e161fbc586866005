#ifndef APIVIDEO_SIGNATURE_H
#define APIVIDEO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "../common/compat_openssl.h"

#if !COMPAT_EVP_MAC
#include <openssl/hmac.h>
#endif

/*
** HMAC-SHA256 on libcrypto, 3.x or 1.1.1. Knows no Lua.
*/
#define SIGNATURE_BYTES 32
#define SIGNATURE_HEX 64

/* An HMAC context. It can be initialised again, with the same key or another one. */
#if COMPAT_EVP_MAC
typedef EVP_MAC_CTX signature_context;
#else
typedef HMAC_CTX signature_context;
#endif

/* A context that the caller frees, or NULL. Slow: looks the algorithm up. */
signature_context *signature_new(void);

/* Frees a context, or nothing. libcrypto wipes the key it holds. */
void signature_free(signature_context *context);

/*
** The steps of one HMAC; each returns false if libcrypto fails. After one that was begun,
** signature_again starts the next with the same key, without setting the key up again, where
** signature_restarts says that libcrypto can (which does not change while a context lives).
*/
bool signature_begin(signature_context *context, const char *key, size_t length);
bool signature_restarts(signature_context *context);
bool signature_again(signature_context *context);
bool signature_update(signature_context *context, const char *bytes, size_t length);
bool signature_finish(signature_context *context, unsigned char digest[SIGNATURE_BYTES]);

/* Digest to 64 lower-case hexadecimal digits; digits of either case to a digest, false if not 64. */
void signature_to_hex(const unsigned char digest[SIGNATURE_BYTES], char hex[SIGNATURE_HEX]);
bool signature_from_hex(const char *hex, size_t length, unsigned char digest[SIGNATURE_BYTES]);

#endif
