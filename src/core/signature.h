#ifndef APIVIDEO_SIGNATURE_H
#define APIVIDEO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#include <openssl/hmac.h>
#endif

/*
** HMAC-SHA256 on libcrypto, 3.x or 1.1.1. Knows no Lua.
*/
#define SIGNATURE_BYTES 32
#define SIGNATURE_HEX 64

/* A calculation. It can be begun anew after its end, with another key. */
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
typedef EVP_MAC_CTX signature_context;
#else
typedef HMAC_CTX signature_context;
#endif

/* A context that the caller frees, or NULL. Slow: looks the algorithm up. */
signature_context *signature_new(void);

/* Frees a context, or nothing. libcrypto wipes the key it holds. */
void signature_free(signature_context *context);

/*
** The steps of one calculation. False if libcrypto fails. After one that was begun, the next may be
** begun again with the same key, which is quicker.
*/
bool signature_begin(signature_context *context, const char *key, size_t length);
bool signature_again(signature_context *context);
bool signature_update(signature_context *context, const char *bytes, size_t length);
bool signature_finish(signature_context *context, unsigned char digest[SIGNATURE_BYTES]);

/* Digest to 64 lower-case hexadecimal digits; digits of either case to a digest, false if not 64. */
void signature_to_hex(const unsigned char digest[SIGNATURE_BYTES], char hex[SIGNATURE_HEX]);
bool signature_from_hex(const char *hex, size_t length, unsigned char digest[SIGNATURE_BYTES]);

#endif
