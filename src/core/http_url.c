/*
** The normal form of URLs: see http_url.h.
*/
#include "http_url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../common/ascii.h"

static const char upper_digits[] = "0123456789ABCDEF";

/* A hexadecimal digit with a to f folded to A to F. */
static char upper_hex(char c) {
  assert(ascii_is_hex(c));
  return (char)(c >= 'a' ? c - 'a' + 'A' : c);
}

/* The length of the scheme and the authority of a URL, or 0 when it has no scheme. */
static size_t authority_len(const char *url) {
  const char *slashes = strstr(url, "://");
  return slashes == NULL ? 0 : (size_t)(slashes - url) + 3 + strcspn(slashes + 3, "/?#");
}

char *http_normalize_url(const char *url) {
  char *const normal = malloc(strlen(url) * 3 + 1);
  char *to = normal;
  const char *from = url + authority_len(url);
  if (normal == NULL) return NULL;
  memcpy(to, url, (size_t)(from - url));
  to += from - url;
  for (; *from != '\0'; from++) {
    const unsigned char byte = (unsigned char)*from;
    if (byte >= 0x80) {
      *to++ = '%';
      *to++ = upper_digits[byte >> 4];
      *to++ = upper_digits[byte & 15];
    } else if (byte == '%' && ascii_is_hex(from[1]) && ascii_is_hex(from[2])) {
      *to++ = '%';
      *to++ = upper_hex(*++from);
      *to++ = upper_hex(*++from);
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
  return normal;
}
