/*
** Values of escapes and numbers: see json_decode.h.
*/
#include "json_decode.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t json_hex4(const char *p) {
  int32_t value = 0;
  int i;
  for (i = 0; i < 4; i++) {
    const char c = p[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

size_t json_unescape(const char **at, char out[4]) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *p = *at;
  uint32_t code;
  assert(*p == '\\');
  if (p[1] != 'u') {
    *at = p + 2;
    out[0] = to[strchr(from, p[1]) - from];
    return 1;
  }
  code = (uint32_t)json_hex4(p + 2);
  p += 6;
  if (code >= 0xD800 && code <= 0xDFFF) {
    code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)json_hex4(p + 2) - 0xDC00);
    p += 6;
  }
  *at = p;
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 0x3F));
  out[2] = (char)(0x80 | (code >> 6 & 0x3F));
  out[3] = (char)(0x80 | (code & 0x3F));
  return 4;
}

bool json_integer(const char *literal, size_t len, int64_t *integer) {
  const bool negative = literal[0] == '-';
  int64_t value = 0;
  size_t i;
  for (i = negative; i < len; i++) {
    const int digit = literal[i] - '0';
    if (value > (INT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *integer = negative ? -value : value;
  return true;
}

/* The exponent at `p`, after the `e`. A huge one is clamped to a value that no digits of a literal can offset. */
static int read_exponent(const char *p, const char *end) {
  const bool negative = *p == '-';
  int value = 0;
  if (*p == '-' || *p == '+') p++;
  for (; p < end; p++)
    if (value < 100000) value = value * 10 + (*p - '0');
  return negative ? -value : value;
}

/* strtod rounds correctly, but expects the locale's decimal point. So it gets a literal without one: 125e2
   for 12.5e3. */
double json_real(const char *literal, size_t len) {
  char plain[JSON_NUMBER_MAX + 16];
  const char *p, *const end = literal + len;
  size_t size = 0;
  int exponent = 0;
  bool fraction = false;
  assert(len <= JSON_NUMBER_MAX);
  for (p = literal; p < end && *p != 'e' && *p != 'E'; p++) {
    if (*p == '.') {
      fraction = true;
    } else {
      plain[size++] = *p;
      exponent -= fraction;
    }
  }
  if (p < end) exponent += read_exponent(p + 1, end);
  (void)snprintf(plain + size, sizeof plain - size, "e%d", exponent);
  return strtod(plain, NULL);
}
