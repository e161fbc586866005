#ifndef APIVIDEO_EVENT_H
#define APIVIDEO_EVENT_H

#include "json.h"

/*
** An event: a JSON object with a `type`, checked against a catalogue of known types.
** Knows no Lua. See json.h for what is refused as JSON.
*/
#define EVENT_FIELDS_MAX 64 /* distinct field names in a catalogue: one bit each */
#define EVENT_TYPES_MAX 128
#define EVENT_NAME_MAX 128 /* bytes of a field's or a type's name */
#define EVENT_SLOTS 256    /* one for each hash */

/* Names, each with the number it got when it was added. The bytes belong to whoever added them. */
struct event_names {
  const char *bytes[EVENT_TYPES_MAX];
  uint8_t length[EVENT_TYPES_MAX];
  uint8_t slot[EVENT_SLOTS]; /* number + 1, or 0: open addressing from the name's hash */
  uint8_t count;
};

/* A catalogue. */
struct event_schema {
  struct event_names fields;
  struct event_names types;
  struct {
    uint64_t mask; /* a bit for each of: */
    uint8_t field[EVENT_FIELDS_MAX];
    uint8_t count;
  } required[EVENT_TYPES_MAX]; /* by type, in the catalogue's order */
};

/* The field that every event has; number 0 in every catalogue. */
#define EVENT_TYPE_FIELD "type"

/* Makes a catalogue empty. Keeps no pointer but those to the names that it is given. */
void event_init(struct event_schema *schema);

/* Adds a type; returns its number. Adds a required field to a type; returns the field's number.
   -1 if there are too many, or the name is too long. */
int event_add_type(struct event_schema *schema, const char *name, size_t length);
int event_add_required(struct event_schema *schema, int type, const char *name, size_t length);

enum event_status { EVENT_OK, EVENT_BAD_JSON, EVENT_TOO_LARGE, EVENT_FULL, EVENT_BAD };

struct event_error {
  enum event_status status;
  const char *message; /* constant */
  const char *field;   /* EVENT_BAD: the field at fault, or NULL; not terminated */
  size_t field_length;
  bool at_offset; /* there is a byte at fault: */
  size_t offset;
};

/*
** Reads an event into `values`, as json_parse does: the first entry is the object. In each of its
** names that the catalogue has, `known` is the field's number + 1; in the value of `type`, it is the
** type's number + 1. True, or false with *error filled in.
*/
bool event_parse(const struct event_schema *schema, const char *bytes, size_t length,
                 struct json_value *values, size_t capacity, struct event_error *error);

#endif
