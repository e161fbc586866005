/*
** ascii.h: comparison and kinds of ASCII text. HTTP, URLs and JSON are defined over bytes: a comparison that
** follows the process's locale (strcasecmp, tolower) takes "CHUNKED" for another word than "chunked"
** in tr_TR, and with it a smuggled request for a body.
*/
#ifndef APIVIDEO_ASCII_H
#define APIVIDEO_ASCII_H

#include <stdbool.h>
#include <stddef.h>

/* `c` with A to Z folded to a to z; every other byte unchanged. */
char ascii_lower(char c);

/* Whether `c` is a hexadecimal digit. */
bool ascii_is_hex(char c);

/* Whether two byte strings are equal without regard to the case of A to Z. */
bool ascii_equal(const char *a, size_t a_len, const char *b, size_t b_len);

/* The same for strings that end with NUL. */
bool ascii_equal_strings(const char *a, const char *b);

/* Whether `text`, which ends with NUL, begins with `prefix` without regard to the case of A to Z. */
bool ascii_has_prefix(const char *text, const char *prefix);

#endif
