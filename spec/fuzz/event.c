/*
** Fuzz target: the event parser. Here, the list of values that it makes of the bytes; in event.lua,
** the table that becomes of it, beside what lua-cjson says.
*/
#include "../../src/core/event.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"

#define FEW 64 /* values: what event_lua.c has on its stack */

static lua_State *state;
static const struct event_schema *schema;
static struct json_value many[JSON_VALUES_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  struct json_error error;
  (void)argc;
  (void)argv;
  FUZZ_CHECK(!json_parse("", (size_t)JSON_BYTES_MAX + 1, many, JSON_VALUES_MAX, &error));
  FUZZ_CHECK(error.status == JSON_TOO_LARGE); /* and not a byte was looked at */
  state = fuzz_open("spec/fuzz/event.lua", NULL, NULL);
  (void)lua_getupvalue(state, 2, 1);
  schema = lua_touserdata(state, -1);
  lua_settop(state, 2);
  return 0;
}

/* Checks a string, name or number: it lies within the input, between its quotes. */
static void check_scalar(const struct json_value *value, const char *input, size_t size) {
  const size_t end = (size_t)value->start + value->length;
  FUZZ_CHECK(end <= size);
  if (value->kind == JSON_STRING || value->kind == JSON_NAME) {
    FUZZ_CHECK(value->start > 0 && end < size);
    FUZZ_CHECK(input[value->start - 1] == '"' && input[end] == '"');
    FUZZ_CHECK(value->escaped == (memchr(input + value->start, '\\', value->length) != NULL));
  } else if (value->kind == JSON_INTEGER || value->kind == JSON_REAL) {
    FUZZ_CHECK(value->length > 0 && value->length <= JSON_NUMBER_MAX);
  }
}

/* Checks a value and all in it. Returns what follows it. */
static const struct json_value *check_value(const struct json_value *value,
                                            const struct json_value *end, const char *input,
                                            size_t size, int depth) {
  const struct json_value *next = value + 1, *stop;
  uint32_t count = 0;
  FUZZ_CHECK(value < end && value->kind != JSON_NAME);
  check_scalar(value, input, size);
  if (value->kind < JSON_ARRAY) return next;
  FUZZ_CHECK(depth < JSON_DEPTH_MAX);
  FUZZ_CHECK(value->length <= (size_t)(end - next));
  stop = next + value->length;
  while (next < stop) {
    if (value->kind == JSON_OBJECT) {
      FUZZ_CHECK(next->kind == JSON_NAME);
      check_scalar(next++, input, size);
      FUZZ_CHECK(next < stop);
    }
    count += value->kind == JSON_ARRAY || next->kind != JSON_NULL;
    next = check_value(next, stop, input, size, depth + 1);
  }
  FUZZ_CHECK(next == stop && count == value->count);
  return next;
}

/* Room for exactly `capacity` values is as good as room for more; one less is too few. */
static void check_room(const char *input, size_t size, size_t span) {
  struct json_value *values = malloc(span * sizeof *values);
  struct event_error error;
  FUZZ_CHECK(values != NULL);
  FUZZ_CHECK(event_parse(schema, input, size, values, span, &error));
  FUZZ_CHECK(memcmp(values, many, span * sizeof *values) == 0);
  FUZZ_CHECK(!event_parse(schema, input, size, values, span - 1, &error));
  FUZZ_CHECK(error.status == EVENT_FULL);
  free(values);
}

/* Checks an error, and that it is the same one with little room. */
static void check_error(const char *input, size_t size, const struct event_error *error) {
  struct json_value few[FEW];
  struct event_error again;
  FUZZ_CHECK(error->status != EVENT_OK && error->status != EVENT_FULL);
  FUZZ_CHECK(error->message != NULL && (!error->at_offset || error->offset <= size));
  FUZZ_CHECK(!event_parse(schema, input, size, few, FEW, &again));
  if (again.status == EVENT_FULL) return;
  FUZZ_CHECK(again.status == error->status && again.message == error->message);
  FUZZ_CHECK(again.at_offset == error->at_offset);
  FUZZ_CHECK(!error->at_offset || again.offset == error->offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *input = (const char *)data;
  struct event_error error;
  if (event_parse(schema, input, size, many, JSON_VALUES_MAX, &error)) {
    const size_t span = json_span(many);
    FUZZ_CHECK(check_value(many, many + span, input, size, 0) == many + span);
    check_room(input, size, span);
  } else {
    check_error(input, size, &error);
  }
  fuzz_run(state, data, size);
  return 0;
}
