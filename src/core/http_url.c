/*
** The one way in which URLs are written: see http_url.h.
*/
#include "http_url.h"

#include <stdlib.h>
#include <string.h>

#include "../common/ascii.h"

static const char capitals[] = "0123456789ABCDEF";

/* A hexadecimal digit with a to f as A to F. */
static char capital_hex(char c) {
  return (char)(c >= 'a' ? c - 'a' + 'A' : c);
}

/* The length of the scheme and the authority of a URL, or 0 when it has none. */
static size_t authority_length(const char *url) {
  const char *slashes = strstr(url, "://");
  return slashes == NULL ? 0 : (size_t)(slashes - url) + 3 + strcspn(slashes + 3, "/?#");
}

char *http_write_url(const char *url) {
  char *const written = malloc(strlen(url) * 3 + 1);
  char *to = written;
  const char *from = url + authority_length(url);
  if (written == NULL) return NULL;
  memcpy(to, url, (size_t)(from - url));
  to += from - url;
  for (; *from != '\0'; from++) {
    const unsigned char byte = (unsigned char)*from;
    if (byte >= 0x80) {
      *to++ = '%';
      *to++ = capitals[byte >> 4];
      *to++ = capitals[byte & 15];
    } else if (byte == '%' && ascii_is_hex(from[1]) && ascii_is_hex(from[2])) {
      *to++ = '%';
      *to++ = capital_hex(*++from);
      *to++ = capital_hex(*++from);
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
  return written;
}
