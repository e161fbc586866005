#ifndef APIVIDEO_JSON_H
#define APIVIDEO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
** Strict JSON (RFC 8259) in one pass over bytes and a length, into a flat list of values.
** Knows no Lua, allocates nothing, does not recurse. A NUL is a byte like any other.
**
** Where RFC 8259 leaves a choice: member names are unique, strings are well-formed Unicode (no lone
** surrogate, raw or escaped), a byte order mark is refused, and these limits hold.
*/
#define JSON_DEPTH_MAX 64     /* arrays and objects inside each other */
#define JSON_MEMBERS_MAX 1024 /* members of all objects together */
#define JSON_VALUES_MAX 65536 /* entries in the list of values; a member takes two */
#define JSON_NUMBER_MAX 256   /* bytes of a number's literal */
#define JSON_BYTES_MAX UINT32_MAX

enum json_kind {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_INTEGER, /* a literal without fraction and exponent */
  JSON_REAL,
  JSON_STRING,
  JSON_NAME, /* of a member: its value is the next entry */
  JSON_ARRAY,
  JSON_OBJECT
};

/* One entry. What an array or an object holds follows it, in the order of the input. */
struct json_value {
  uint32_t start;  /* offset of its first byte; of a string or name: of the byte after the quote */
  uint32_t length; /* string, name, number: bytes in the input; array, object: entries inside */
  uint32_t count;  /* array: elements; object: members that are not null */
  uint8_t kind;    /* enum json_kind */
  bool escaped;    /* string, name: has an escape */
  uint8_t hash;    /* name without escapes: json_name_hash() */
  uint8_t known;   /* 0; for the use of whoever reads the list */
};

enum json_status {
  JSON_OK,
  JSON_BAD,
  JSON_TOO_LARGE, /* a limit above */
  JSON_FULL       /* more values than the caller's array holds, which is less than the limit */
};

struct json_error {
  enum json_status status;
  const char *message; /* constant */
  size_t offset;       /* of the byte at fault, the first byte being 0 */
};

/*
** Reads the one value that `bytes` is into `values` (room for `capacity`, at most JSON_VALUES_MAX).
** True, or false with *error filled in.
*/
bool json_parse(const char *bytes, size_t length, struct json_value *values, size_t capacity,
                struct json_error *error);

/* The entries that a value takes: itself and all that is inside it. */
static inline size_t json_span(const struct json_value *value) {
  return 1 + (size_t)(value->kind >= JSON_ARRAY ? value->length : 0);
}

/*
** Decodes the escape at *at (which json_parse has checked) to UTF-8, moves *at behind it, and
** returns the number of bytes in `out`. A surrogate pair is one escape.
*/
size_t json_unescape(const char **at, char out[4]);

/* The integer a JSON_INTEGER's literal stands for; false if it is beyond int64_t. */
bool json_integer(const char *literal, size_t length, int64_t *integer);

/* The double nearest to a number's literal, in any locale; +-HUGE_VAL if it is beyond. */
double json_real(const char *literal, size_t length);

/*
** A cheap hash, of the length and three bytes. The factors are such that no two of the field names
** that api.video documents have the same: a pair that has it makes json_parse compare in full.
*/
static inline uint8_t json_name_hash(const char *name, size_t length) {
  if (length == 0) return 0;
  return (uint8_t)(length * 2 + (unsigned char)name[0] * 15 + (unsigned char)name[length / 2] * 21 +
                   (unsigned char)name[length - 1]);
}

#endif
