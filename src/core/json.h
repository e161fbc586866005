/*
** json.h: strict JSON (RFC 8259), read in one pass from bytes and a length into a flat list of values, without
** Lua. It allocates nothing itself and does not recurse. A NUL is a byte like any other.
**
** Where RFC 8259 leaves a choice: member names must be unique, strings must be well-formed Unicode (no lone
** surrogate, raw or escaped), a byte order mark is rejected, and the limits in json_value.h hold.
*/
#ifndef APIVIDEO_JSON_H
#define APIVIDEO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_decode.h" /* JSON_NUMBER_MAX */
#include "json_value.h"

typedef enum json_status {
  JSON_OK,
  JSON_BAD,
  JSON_TOO_LARGE /* a limit is exceeded */
} json_status;

typedef struct json_error {
  json_status status;
  const char *message; /* constant */
  size_t offset;       /* of the byte at which the error is; 0 is the first */
} json_error;

/* The caller's array for the values: at least one entry, at most JSON_VALUES_MAX. */
typedef struct json_list {
  json_value *values;
  size_t capacity;
  /* Replaces `values` by an array of `capacity` entries that begins with the present ones. It may leave json_parse by
     longjmp instead, because json_parse owns nothing. */
  void (*grow)(struct json_list *list, size_t capacity);
  void *owner; /* for `grow` */
} json_list;

/* Reads `bytes`, which must be one JSON value, into `list`, which grows as needed: few texts have more values than a
   small array takes, and one for the densest text would be many times as long as the text. Returns true, or false and
   fills *error. */
bool json_parse(const char *bytes, size_t len, json_list *list, json_error *error);

/* A cheap hash of the length and three bytes. When two names of an object have the same hash, json_parse has to
   compare all its names. */
static inline uint8_t json_name_hash(const char *name, size_t len) {
  if (len == 0) return 0;
  return (uint8_t)(len * 2 + (unsigned char)name[0] * 15 + (unsigned char)name[len / 2] * 21 +
                   (unsigned char)name[len - 1]);
}

#endif
