/*
** HMAC-SHA256: see signature.h.
*/
#include "signature.h"

#if COMPAT_EVP_MAC

#include <openssl/core_names.h>
#include <openssl/params.h>

signature_context *signature_new(void) {
  char sha256[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, sizeof sha256 - 1),
      OSSL_PARAM_construct_end()};
  EVP_MAC *const mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  signature_context *context = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
  EVP_MAC_free(mac); /* the context has its own reference */
  if (context != NULL && !EVP_MAC_CTX_set_params(context, params)) {
    EVP_MAC_CTX_free(context);
    context = NULL;
  }
  return context;
}

void signature_free(signature_context *context) {
  EVP_MAC_CTX_free(context);
}

bool signature_can_reinit(signature_context *context) {
  return compat_hmac_can_reinit(context);
}

bool signature_init(signature_context *context, const char *key, size_t len) {
  return EVP_MAC_init(context, (const unsigned char *)key, len, NULL) == 1;
}

bool signature_reinit(signature_context *context) {
  return EVP_MAC_init(context, NULL, 0, NULL) == 1;
}

bool signature_update(signature_context *context, const char *bytes, size_t len) {
  return EVP_MAC_update(context, (const unsigned char *)bytes, len) == 1;
}

bool signature_final(signature_context *context, unsigned char digest[SIGNATURE_BYTES]) {
  size_t len;
  return EVP_MAC_final(context, digest, &len, SIGNATURE_BYTES) == 1 && len == SIGNATURE_BYTES;
}

#else

#include <limits.h>

signature_context *signature_new(void) {
  return HMAC_CTX_new();
}

void signature_free(signature_context *context) {
  HMAC_CTX_free(context);
}

bool signature_can_reinit(signature_context *context) {
  (void)context;
  return true;
}

bool signature_init(signature_context *context, const char *key, size_t len) {
  return len <= INT_MAX && HMAC_Init_ex(context, key, (int)len, EVP_sha256(), NULL) == 1;
}

bool signature_reinit(signature_context *context) {
  return HMAC_Init_ex(context, NULL, 0, NULL, NULL) == 1;
}

bool signature_update(signature_context *context, const char *bytes, size_t len) {
  return HMAC_Update(context, (const unsigned char *)bytes, len) == 1;
}

bool signature_final(signature_context *context, unsigned char digest[SIGNATURE_BYTES]) {
  unsigned int len;
  return HMAC_Final(context, digest, &len) == 1 && len == SIGNATURE_BYTES;
}

#endif

void signature_to_hex(const unsigned char digest[SIGNATURE_BYTES], char hex[SIGNATURE_HEX]) {
  static const char digits[] = "0123456789abcdef";
  int i;
  for (i = 0; i < SIGNATURE_BYTES; i++) {
    hex[2 * i] = digits[digest[i] >> 4];
    hex[2 * i + 1] = digits[digest[i] & 15];
  }
}

#define NO_DIGIT 0xFF

/* Returns the value of a hexadecimal digit, or NO_DIGIT. Without a branch, so that the compiler can convert several digits
   at once. */
static inline unsigned char digit_value(unsigned char c) {
  const unsigned char decimal = (unsigned char)(c - '0'),
                      letter = (unsigned char)((c | 0x20) - 'a');
  const unsigned char other = letter < 6 ? (unsigned char)(letter + 10) : NO_DIGIT;
  return decimal < 10 ? decimal : other;
}

bool signature_from_hex(const char *hex, size_t len, unsigned char digest[SIGNATURE_BYTES]) {
  unsigned char values[SIGNATURE_HEX], all = 0;
  int i;
  if (len != SIGNATURE_HEX) return false;
  for (i = 0; i < SIGNATURE_HEX; i++) {
    values[i] = digit_value((unsigned char)hex[i]);
    all |= values[i];
  }
  for (i = 0; i < SIGNATURE_BYTES; i++)
    digest[i] = (unsigned char)(values[2 * i] << 4 | values[2 * i + 1]);
  return all < 16;
}
