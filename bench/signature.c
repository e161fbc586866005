/*
** The minimum cost of a verification in C, for the comparison in bench/signature.lua.
**
**   signature SIZE COUNT    nanoseconds of processor time for each of COUNT messages of SIZE bytes
**                           (65536 at most)
**
** Uses libcrypto directly: one HMAC-SHA256 context with one key, reinitialized for each message (the fastest way
** that is not deprecated), and a constant-time comparison with a binary signature, without decoding of hexadecimal
** digits.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define KEY "sig_sec_0000000000000000000000"
#define BYTES 32

#if OPENSSL_VERSION_NUMBER >= 0x30000000L

#include <openssl/core_names.h>
#include <openssl/params.h>

typedef EVP_MAC_CTX context;

static context *new_context(void) {
  char sha256[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof sha256 - 1),
                         OSSL_PARAM_END};
  EVP_MAC *const mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  context *const c = EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  return EVP_MAC_init(c, (const unsigned char *)KEY, sizeof KEY - 1, params) ? c : NULL;
}

static int calculate(context *c, const unsigned char *message, size_t size,
                     unsigned char digest[BYTES]) {
  size_t length;
  return EVP_MAC_init(c, NULL, 0, NULL) && EVP_MAC_update(c, message, size) &&
         EVP_MAC_final(c, digest, &length, BYTES);
}

#else

#include <openssl/hmac.h>

typedef HMAC_CTX context;

static context *new_context(void) {
  context *const c = HMAC_CTX_new();
  return HMAC_Init_ex(c, KEY, sizeof KEY - 1, EVP_sha256(), NULL) ? c : NULL;
}

static int calculate(context *c, const unsigned char *message, size_t size,
                     unsigned char digest[BYTES]) {
  unsigned int length;
  return HMAC_Init_ex(c, NULL, 0, NULL, NULL) && HMAC_Update(c, message, size) &&
         HMAC_Final(c, digest, &length);
}

#endif

/* Verifies a message `count` times. Returns the number of valid results. */
static __attribute__((noinline)) long verify(context *c, const unsigned char *message, size_t size,
                                             const unsigned char received[BYTES], long count) {
  unsigned char digest[BYTES];
  long held = 0, i;
  for (i = 0; i < count; i++)
    if (calculate(c, message, size, digest)) held += CRYPTO_memcmp(digest, received, BYTES) == 0;
  return held;
}

int main(int argc, char **argv) {
  static unsigned char message[65536];
  unsigned char received[BYTES];
  const size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
  const long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0, warm_up = count / 10 + 1;
  context *const c = new_context();
  clock_t started;
  if (count == 0 || size > sizeof message || c == NULL) return 2;
  memset(message, 'x', size);
  if (!calculate(c, message, size, received)) return 2;
  if (verify(c, message, size, received, warm_up) != warm_up) return 1;
  started = clock();
  if (verify(c, message, size, received, count) != count) return 1;
  printf("%.1f\n", (double)(clock() - started) / CLOCKS_PER_SEC / (double)count * 1e9);
  return 0;
}
