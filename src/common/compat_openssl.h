/*
** compat_openssl.h: the one file that knows libcrypto's versions, the one compiled against and the one
** that runs. Floor: 1.1.1, the first that OpenSSL maintained until 2023 (Debian 11, Ubuntu 20.04).
*/
#ifndef APIVIDEO_COMPAT_OPENSSL_H
#define APIVIDEO_COMPAT_OPENSSL_H

#include <stdbool.h>

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

/* At run time, too: a module that was built with 1.1.1's headers may meet 1.1.0, whose file has the same name. */
#define COMPAT_OPENSSL_FLOOR 0x10101000L
#define COMPAT_OPENSSL_TOO_OLD                                                                     \
  "OpenSSL 1.1.1 or newer is needed, and this is %s; update libcrypto, or name the directory "     \
  "of a newer one in LD_LIBRARY_PATH"

#if OPENSSL_VERSION_NUMBER < 0x10101000L
/* cppcheck-suppress preprocessorErrorDirective */
#error "OpenSSL 1.1.1 or newer is needed; update the package with its headers"
#endif

/* EVP_MAC, of OpenSSL 3; before it, HMAC_CTX. (libcrypto.so has another name then: what was compiled runs.) */
#define COMPAT_EVP_MAC (OPENSSL_VERSION_NUMBER >= 0x30000000L)

#if COMPAT_EVP_MAC
#include <string.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

/*
** Whether EVP_MAC_init without a key starts again with the context's key. In 3.0.0 to 3.0.2 (Ubuntu
** 22.04) it reports success and does nothing, so that each digest but the first is wrong (openssl
** 17811). Another provider than the default one has a version of its own: a validated FIPS module is
** often of 3.0.0, whatever libcrypto is.
*/
static inline bool compat_hmac_restarts(EVP_MAC_CTX *context) {
  const OSSL_PROVIDER *const provider = EVP_MAC_get0_provider(EVP_MAC_CTX_get0_mac(context));
  return OpenSSL_version_num() >= 0x30000030L && provider != NULL &&
         strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}
#endif

#endif
