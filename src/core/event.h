/*
** event.h: events, without Lua. An event is a JSON object with a `type`, checked against a schema of known types.
** json.h says which JSON is rejected.
*/
#ifndef APIVIDEO_EVENT_H
#define APIVIDEO_EVENT_H

#include "json.h"

#define EVENT_FIELDS_MAX 64 /* distinct field names in a schema: one bit each */
#define EVENT_TYPES_MAX 128
#define EVENT_NAME_MAX 128 /* bytes of a field's or a type's name */
#define EVENT_SLOTS 256    /* one for each value of json_name_hash */

/* Names, numbered in the order in which they were added. Their bytes belong to the caller. No two of the field
   names that api.video documents have the same hash (json_name_hash), so that a lookup compares one name. */
typedef struct event_names {
  const char *bytes[EVENT_TYPES_MAX];
  uint8_t len[EVENT_TYPES_MAX];
  uint8_t slot[EVENT_SLOTS]; /* number + 1, or 0: open addressing from the name's hash */
  uint8_t count;
} event_names;

typedef struct event_schema {
  event_names fields;
  event_names types;
  struct {
    uint64_t mask; /* a bit for each of: */
    uint8_t field[EVENT_FIELDS_MAX];
    uint8_t count;
  } required[EVENT_TYPES_MAX]; /* by type, in the order in which they were added */
} event_schema;

/* The field that every event has; number 0 in every schema. */
#define EVENT_TYPE_FIELD "type"

/* Makes a schema empty. A schema keeps pointers to the names that are added, and no others. */
void event_init(event_schema *schema);

/* Adds a type; returns its number. -1 if there are too many, or the name is too long. */
int event_add_type(event_schema *schema, const char *name, size_t len);
/* Adds a required field to a type; returns the field's number. -1 as above. */
int event_add_required(event_schema *schema, int type, const char *name, size_t len);

typedef enum event_status { EVENT_OK, EVENT_BAD_JSON, EVENT_TOO_LARGE, EVENT_BAD } event_status;

typedef struct event_error {
  event_status status;
  const char *message; /* constant */
  const char *field;   /* EVENT_BAD: the invalid field, or NULL; not NUL-terminated */
  size_t field_len;
  bool has_offset; /* the input has an invalid byte: */
  size_t offset;
} event_error;

/* Reads an event into `list`, as json_parse does: the first entry is the object. `tag` of each of its names that
   the schema has is the field's number + 1; `tag` of the value of `type` is the type's number + 1, if the schema
   has it. Returns true, or false and fills *error. */
bool event_parse(const event_schema *schema, const char *bytes, size_t len, json_list *list,
                 event_error *error);

#endif
