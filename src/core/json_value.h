/*
** json_value.h: the flat list of values that a JSON text is read into, and its limits.
*/
#ifndef APIVIDEO_JSON_VALUE_H
#define APIVIDEO_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 64     /* nested arrays and objects */
#define JSON_MEMBERS_MAX 1024 /* members of an object */
#define JSON_VALUES_MAX 65536 /* entries in the list of values; a member takes two */
#define JSON_BYTES_MAX UINT32_MAX

typedef enum json_kind {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_INTEGER, /* a literal without fraction and exponent */
  JSON_REAL,
  JSON_STRING,
  JSON_NAME, /* a member's name: its value is the next entry */
  JSON_ARRAY,
  JSON_OBJECT
} json_kind;

/* An entry of the list. The entries inside an array or object follow it, in the order of the input. */
typedef struct json_value {
  uint32_t start; /* offset of its first byte; string, name: of the byte after the quote */
  uint32_t len;   /* string, name, number: bytes in the input; array, object: entries inside */
  uint32_t count; /* array: elements; object: members that are not null */
  uint8_t kind;   /* json_kind */
  bool escaped;   /* string, name: contains an escape */
  uint8_t hash;   /* name without escapes: json_name_hash() */
  uint8_t tag;    /* 0; for the caller's use */
} json_value;

/* The number of entries of a value: itself and all entries inside it. */
static inline size_t json_span(const json_value *value) {
  return 1 + (size_t)(value->kind >= JSON_ARRAY ? value->len : 0);
}

#endif
