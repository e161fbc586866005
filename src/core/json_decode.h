/*
** json_decode.h: values of escapes and numbers of a JSON text. They must be valid: json_parse has checked them.
*/
#ifndef APIVIDEO_JSON_DECODE_H
#define APIVIDEO_JSON_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_NUMBER_MAX 256 /* bytes of a number's literal */

/* Returns the value of four hexadecimal digits; -1 for any other four bytes, which need not be checked before. */
int32_t json_hex4(const char *p);

/* Decodes the escape at *at, which json_parse has checked, to UTF-8 in `out`, and moves *at behind it. Returns
   the number of bytes in `out`. A surrogate pair is one escape. */
size_t json_unescape(const char **at, char out[4]);

/* Converts the literal of a JSON_INTEGER; false if it is outside int64_t. */
bool json_integer(const char *literal, size_t len, int64_t *integer);

/* Returns the double nearest to a number's literal, in any locale; +-HUGE_VAL if it is out of range. */
double json_real(const char *literal, size_t len);

#endif
