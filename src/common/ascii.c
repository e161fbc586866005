/*
** Comparison and classification of ASCII text: see ascii.h.
*/
#include "ascii.h"

#include <string.h>

char ascii_lower(char c) {
  return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool ascii_is_hex(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

bool ascii_equal(const char *a, size_t a_len, const char *b, size_t b_len) {
  size_t i;
  if (a_len != b_len) return false;
  for (i = 0; i < a_len; i++)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

bool ascii_is_word(const char *text, size_t len, const char *word) {
  return ascii_equal(text, len, word, strlen(word));
}

bool ascii_equal_strings(const char *a, const char *b) {
  return ascii_equal(a, strlen(a), b, strlen(b));
}

bool ascii_has_prefix(const char *text, const char *prefix) {
  for (; *prefix != '\0'; text++, prefix++)
    if (ascii_lower(*text) != ascii_lower(*prefix)) return false;
  return true;
}
