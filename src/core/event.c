/*
** Bytes to an event: see event.h.
*/
#include "event.h"

#include <string.h>

static const char type_name[] = EVENT_TYPE_FIELD;
#define TYPE_LENGTH (sizeof type_name - 1)

/* --- the catalogue --------------------------------------------------------------------------- */

/* Returns the number of a name, or -1. */
static inline int find(const struct event_names *names, const char *bytes, size_t length,
                       uint8_t hash) {
  unsigned i, number;
  for (i = hash; (number = names->slot[i]) != 0; i = (i + 1) % EVENT_SLOTS)
    if (names->length[number - 1] == length && memcmp(names->bytes[number - 1], bytes, length) == 0)
      return (int)number - 1;
  return -1;
}

/* Returns the number of a name, which is added if need be; -1 if it is too long or too many. */
static int add(struct event_names *names, unsigned limit, const char *bytes, size_t length) {
  const uint8_t hash = json_name_hash(bytes, length);
  const int number = find(names, bytes, length, hash);
  unsigned i = hash;
  if (number >= 0) return number;
  if (names->count == limit || length > EVENT_NAME_MAX) return -1;
  while (names->slot[i] != 0) i = (i + 1) % EVENT_SLOTS;
  names->bytes[names->count] = bytes;
  names->length[names->count] = (uint8_t)length;
  names->slot[i] = ++names->count;
  return names->count - 1;
}

void event_init(struct event_schema *schema) {
  memset(schema, 0, sizeof *schema);
  (void)add(&schema->fields, EVENT_FIELDS_MAX, type_name, TYPE_LENGTH);
}

int event_add_type(struct event_schema *schema, const char *name, size_t length) {
  return add(&schema->types, EVENT_TYPES_MAX, name, length);
}

int event_add_required(struct event_schema *schema, int type, const char *name, size_t length) {
  const int field = add(&schema->fields, EVENT_FIELDS_MAX, name, length);
  const uint64_t bit = UINT64_C(1) << (field & 63);
  if (field >= 0 && (schema->required[type].mask & bit) == 0) {
    schema->required[type].mask |= bit;
    schema->required[type].field[schema->required[type].count++] = (uint8_t)field;
  }
  return field;
}

/* --- the event ------------------------------------------------------------------------------- */

/* As find(), for a string or name of the input, which may have escapes. */
static int find_value(const struct event_names *names, const char *input,
                      const struct json_value *value, uint8_t hash) {
  const char *at = input + value->start, *const end = at + value->length;
  char decoded[EVENT_NAME_MAX + 4];
  size_t length = 0;
  if (!value->escaped) return find(names, at, value->length, hash);
  while (at < end) {
    if (length > EVENT_NAME_MAX) return -1;
    if (*at == '\\') {
      length += json_unescape(&at, decoded + length);
    } else {
      decoded[length++] = *at++;
    }
  }
  return find(names, decoded, length, json_name_hash(decoded, length));
}

/* Notes a bad event: the field at fault, if there is one, and its value, if it has one. */
static bool fail(struct event_error *error, const char *message, const char *field, size_t length,
                 const struct json_value *value) {
  error->status = EVENT_BAD;
  error->message = message;
  error->field = field;
  error->field_length = length;
  error->at_offset = value != NULL;
  if (value != NULL) error->offset = value->start - (size_t)(value->kind == JSON_STRING);
  return false;
}

/* Notes what is wrong with the first of a type's required fields that is not among `strings`. */
static bool fail_required(const struct event_schema *schema, int type, uint64_t strings,
                          const struct json_value *event, struct event_error *error) {
  const uint8_t *field = schema->required[type].field;
  const struct json_value *const end = event + json_span(event);
  const struct json_value *name = event + 1;
  while (strings >> *field & 1) field++;
  while (name < end && name->known != *field + 1) name += 1 + json_span(name + 1);
  return fail(error, name < end ? "required field is not a string" : "required field is missing",
              schema->fields.bytes[*field], schema->fields.length[*field],
              name < end ? name + 1 : NULL);
}

/* Looks up the event's fields and type, and checks that its required fields are strings. */
static bool check(const struct event_schema *schema, const char *input, struct json_value *event,
                  struct event_error *error) {
  const struct json_value *const end = event + json_span(event);
  struct json_value *name, *type = NULL;
  uint64_t strings = 0;
  int number;
  for (name = event + 1; name < end; name += 1 + json_span(name + 1)) {
    const int field = find_value(&schema->fields, input, name, name->hash);
    name->known = (uint8_t)(field + 1);
    if (field < 0) continue;
    strings |= (uint64_t)(name[1].kind == JSON_STRING) << field;
    if (field == 0) type = name + 1;
  }
  if (type == NULL || type->kind != JSON_STRING || type->length == 0)
    return fail(error, type == NULL ? "field is missing" : "field is not a non-empty string",
                type_name, TYPE_LENGTH, type);
  number =
      find_value(&schema->types, input, type, json_name_hash(input + type->start, type->length));
  type->known = (uint8_t)(number + 1);
  if (number < 0 || (schema->required[number].mask & ~strings) == 0) return true;
  return fail_required(schema, number, strings, event, error);
}

bool event_parse(const struct event_schema *schema, const char *bytes, size_t length,
                 struct json_value *values, size_t capacity, struct event_error *error) {
  struct json_error json;
  if (!json_parse(bytes, length, values, capacity, &json)) {
    error->status = json.status == JSON_BAD         ? EVENT_BAD_JSON
                    : json.status == JSON_TOO_LARGE ? EVENT_TOO_LARGE
                                                    : EVENT_FULL;
    error->message = json.message;
    error->field = NULL;
    error->at_offset = true;
    error->offset = json.offset;
    return false;
  }
  if (values->kind != JSON_OBJECT) return fail(error, "not an object", NULL, 0, values);
  return check(schema, bytes, values, error);
}
