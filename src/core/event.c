/*
** Events: see event.h.
*/
#include "event.h"

#include <assert.h>
#include <string.h>

#include "json_decode.h"

static const char type_name[] = EVENT_TYPE_FIELD;
#define TYPE_LEN (sizeof type_name - 1)

/* --- the schema ------------------------------------------------------------------------------ */

/* Returns the number of a name, or -1. */
static inline int find(const event_names *names, const char *bytes, size_t len, uint8_t hash) {
  unsigned i, number;
  for (i = hash; (number = names->slot[i]) != 0; i = (i + 1) % EVENT_SLOTS)
    if (names->len[number - 1] == len && memcmp(names->bytes[number - 1], bytes, len) == 0)
      return (int)number - 1;
  return -1;
}

/* Returns the number of a name, and adds the name if it is new; -1 if it is too long, or there are too many. */
static int add(event_names *names, unsigned limit, const char *bytes, size_t len) {
  const uint8_t hash = json_name_hash(bytes, len);
  const int number = find(names, bytes, len, hash);
  unsigned i = hash;
  assert(limit <= EVENT_TYPES_MAX && limit < EVENT_SLOTS);
  if (number >= 0) return number;
  if (names->count == limit || len > EVENT_NAME_MAX) return -1;
  while (names->slot[i] != 0) i = (i + 1) % EVENT_SLOTS;
  names->bytes[names->count] = bytes;
  names->len[names->count] = (uint8_t)len;
  names->slot[i] = ++names->count;
  return names->count - 1;
}

void event_init(event_schema *schema) {
  memset(schema, 0, sizeof *schema);
  (void)add(&schema->fields, EVENT_FIELDS_MAX, type_name, TYPE_LEN);
}

int event_add_type(event_schema *schema, const char *name, size_t len) {
  return add(&schema->types, EVENT_TYPES_MAX, name, len);
}

int event_add_required(event_schema *schema, int type, const char *name, size_t len) {
  const int field = add(&schema->fields, EVENT_FIELDS_MAX, name, len);
  const uint64_t bit = UINT64_C(1) << (field & 63);
  assert(type >= 0 && type < schema->types.count);
  if (field >= 0 && (schema->required[type].mask & bit) == 0) {
    schema->required[type].mask |= bit;
    schema->required[type].field[schema->required[type].count++] = (uint8_t)field;
  }
  return field;
}

/* --- the event ------------------------------------------------------------------------------- */

/* Like find, for a string or name of the input, which may contain escapes. */
static int find_value(const event_names *names, const char *input, const json_value *value,
                      uint8_t hash) {
  const char *at = input + value->start, *const end = at + value->len;
  char decoded[EVENT_NAME_MAX + 4];
  size_t len = 0;
  if (!value->escaped) return find(names, at, value->len, hash);
  do { /* a value with an escape is not empty */
    if (len > EVENT_NAME_MAX) return -1;
    if (*at == '\\') {
      len += json_unescape(&at, decoded + len);
    } else {
      decoded[len++] = *at++;
    }
  } while (at < end);
  return find(names, decoded, len, json_name_hash(decoded, len));
}

/* Records an invalid event. `field` is the invalid field, or NULL; `value` its value, or NULL. Returns false. */
static bool fail(event_error *error, const char *message, const char *field, size_t len,
                 const json_value *value) {
  error->status = EVENT_BAD;
  error->message = message;
  error->field = field;
  error->field_len = len;
  error->has_offset = value != NULL;
  /* A string starts after its quote. */
  if (value != NULL) error->offset = value->start - (size_t)(value->kind == JSON_STRING);
  return false;
}

/* Records the first of a type's required fields whose bit is not in `strings`: its value is not a string. Returns
   false. */
static bool fail_required(const event_schema *schema, int type, uint64_t strings,
                          const json_value *event, event_error *error) {
  const uint8_t *field = schema->required[type].field;
  const json_value *const end = event + json_span(event);
  const json_value *name = event + 1;
  while (strings >> *field & 1) field++;
  while (name < end && name->tag != *field + 1) name += 1 + json_span(name + 1);
  return fail(error, name < end ? "required field is not a string" : "required field is missing",
              schema->fields.bytes[*field], schema->fields.len[*field],
              name < end ? name + 1 : NULL);
}

/* Looks up the event's fields and type, and checks that the required fields are strings. */
static bool check(const event_schema *schema, const char *input, json_value *event,
                  event_error *error) {
  const json_value *const end = event + json_span(event);
  json_value *name, *type = NULL;
  uint64_t strings = 0;
  int number;
  for (name = event + 1; name < end; name += 1 + json_span(name + 1)) {
    const int field = find_value(&schema->fields, input, name, name->hash);
    name->tag = (uint8_t)(field + 1);
    if (field < 0) continue;
    strings |= (uint64_t)(name[1].kind == JSON_STRING) << field;
    if (field == 0) type = name + 1; /* EVENT_TYPE_FIELD */
  }
  if (type == NULL || type->kind != JSON_STRING || type->len == 0)
    return fail(error, type == NULL ? "field is missing" : "field is not a non-empty string",
                type_name, TYPE_LEN, type);
  number = find_value(&schema->types, input, type, json_name_hash(input + type->start, type->len));
  type->tag = (uint8_t)(number + 1);
  if (number < 0 || (schema->required[number].mask & ~strings) == 0) return true;
  return fail_required(schema, number, strings, event, error);
}

bool event_parse(const event_schema *schema, const char *bytes, size_t len, json_list *list,
                 event_error *error) {
  json_error json;
  json_value *event;
  if (!json_parse(bytes, len, list, &json)) {
    error->status = json.status == JSON_BAD ? EVENT_BAD_JSON : EVENT_TOO_LARGE;
    error->message = json.message;
    error->field = NULL;
    error->has_offset = true;
    error->offset = json.offset;
    return false;
  }
  event = list->values;
  if (event->kind != JSON_OBJECT) return fail(error, "not an object", NULL, 0, event);
  return check(schema, bytes, event, error);
}
