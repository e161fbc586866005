/*
** compat_openssl.h: the only file that depends on libcrypto's version, at compile time and at run time. Floor:
** 1.1.1, which OpenSSL maintained until 2023 (Debian 11, Ubuntu 20.04).
*/
#ifndef APIVIDEO_COMPAT_OPENSSL_H
#define APIVIDEO_COMPAT_OPENSSL_H

#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

/* Also checked at run time: a module built with 1.1.1's headers can load 1.1.0, which has the same file name. */
#define COMPAT_OPENSSL_FLOOR 0x10101000L
#define COMPAT_OPENSSL_TOO_OLD                                                                     \
  "OpenSSL 1.1.1 or newer is needed, and this is %s; update libcrypto, or name the directory "     \
  "of a newer one in LD_LIBRARY_PATH"

#if OPENSSL_VERSION_NUMBER < 0x10101000L
/* cppcheck-suppress preprocessorErrorDirective */
#error "OpenSSL 1.1.1 or newer is needed; update the package with its headers"
#endif

/* EVP_MAC in OpenSSL 3; HMAC_CTX before. Decided at compile time: libcrypto.so of each has a name of its own. */
#define COMPAT_EVP_MAC (OPENSSL_VERSION_NUMBER >= 0x30000000L)

#if COMPAT_EVP_MAC
#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

/* Whether EVP_MAC_init without a key reinitializes a context with its key. In 3.0.0 to 3.0.2 (Ubuntu 22.04) it
   reports success and does nothing, so that each digest except the first is wrong (openssl 17811). Providers other
   than the default one have versions of their own: a validated FIPS module is often of 3.0.0, whatever libcrypto
   is. */
static inline bool compat_hmac_can_reinit(EVP_MAC_CTX *context) {
  const OSSL_PROVIDER *const provider = EVP_MAC_get0_provider(EVP_MAC_CTX_get0_mac(context));
  return OpenSSL_version_num() >= 0x30000030L && provider != NULL &&
         strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}
#endif

#endif
