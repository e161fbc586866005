/*
** ascii.h: comparison and classification of ASCII text. HTTP, URLs and JSON are defined over bytes. A
** comparison that follows the process's locale (strcasecmp, tolower) does not match "TRANSFER-ENCODING" with
** "transfer-encoding" in tr_TR, where the lower case of I is not i, and so misses a smuggled request.
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

/* Whether the `len` bytes of `text` are the NUL-terminated `word` without regard to the case of A to Z. */
bool ascii_is_word(const char *text, size_t len, const char *word);

/* ascii_equal for NUL-terminated strings. */
bool ascii_equal_strings(const char *a, const char *b);

/* Whether the NUL-terminated `text` begins with `prefix` without regard to the case of A to Z. */
bool ascii_has_prefix(const char *text, const char *prefix);

#endif
