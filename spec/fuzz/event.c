/*
** Fuzz target: the event parser. This file checks the list of values; event.lua compares the table with that of
** lua-cjson.
*/
#include "../../src/core/event.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"

static lua_State *state;
static const event_schema *schema;
static json_value many[JSON_VALUES_MAX];

static void grow(json_list *list, size_t capacity) {
  json_value *moved;
  FUZZ_CHECK(capacity > list->capacity && capacity <= JSON_VALUES_MAX);
  moved = realloc(list->values, capacity * sizeof *moved);
  FUZZ_CHECK(moved != NULL);
  list->values = moved;
  list->capacity = capacity;
}

/* A list that grows; of exactly `capacity` entries at first. */
static json_list new_list(size_t capacity) {
  const json_list list = {malloc(capacity * sizeof *list.values), capacity, grow, NULL};
  FUZZ_CHECK(list.values != NULL);
  return list;
}

/* A list that never has to grow. */
static json_list large_list(void) {
  const json_list list = {many, JSON_VALUES_MAX, NULL, NULL};
  return list;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  json_list list = large_list();
  json_error error;
  (void)argc;
  (void)argv;
  FUZZ_CHECK(!json_parse("", (size_t)JSON_BYTES_MAX + 1, &list, &error));
  FUZZ_CHECK(error.status == JSON_TOO_LARGE); /* and no byte was read */
  state = fuzz_open("spec/fuzz/event.lua", NULL, NULL);
  (void)lua_getupvalue(state, 2, 1);
  schema = lua_touserdata(state, -1);
  lua_settop(state, 2);
  return 0;
}

/* Checks a string, name or number: it lies within the input, between its quotes. */
static void check_scalar(const json_value *value, const char *input, size_t size) {
  const size_t end = (size_t)value->start + value->len;
  FUZZ_CHECK(end <= size);
  if (value->kind == JSON_STRING || value->kind == JSON_NAME) {
    FUZZ_CHECK(value->start > 0 && end < size);
    FUZZ_CHECK(input[value->start - 1] == '"' && input[end] == '"');
    FUZZ_CHECK(value->escaped == (memchr(input + value->start, '\\', value->len) != NULL));
  } else if (value->kind == JSON_INTEGER || value->kind == JSON_REAL) {
    FUZZ_CHECK(value->len > 0 && value->len <= JSON_NUMBER_MAX);
  }
}

/* Checks a value and all values in it. Returns the entry after it. */
static const json_value *check_value(const json_value *value,
                                            const json_value *end, const char *input,
                                            size_t size, int depth) {
  const json_value *next = value + 1, *stop;
  uint32_t count = 0;
  FUZZ_CHECK(value < end && value->kind != JSON_NAME);
  check_scalar(value, input, size);
  if (value->kind < JSON_ARRAY) return next;
  FUZZ_CHECK(depth < JSON_DEPTH_MAX);
  FUZZ_CHECK(value->len <= (size_t)(end - next));
  stop = next + value->len;
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

/* Checks that a list of `capacity` entries at first, which grows if that is less than `span`, is the same at the end. */
static void check_list(const char *input, size_t size, size_t span, size_t capacity) {
  json_list list = new_list(capacity);
  event_error error;
  FUZZ_CHECK(event_parse(schema, input, size, &list, &error));
  FUZZ_CHECK(memcmp(list.values, many, span * sizeof *many) == 0);
  FUZZ_CHECK((list.capacity > capacity) == (span > capacity));
  free(list.values);
}

/* Checks an error, and that it is the same one with a list that grows. */
static void check_error(const char *input, size_t size, const event_error *error) {
  json_list list = new_list(1);
  event_error again;
  FUZZ_CHECK(error->status != EVENT_OK);
  FUZZ_CHECK(error->message != NULL && (!error->has_offset || error->offset <= size));
  FUZZ_CHECK(!event_parse(schema, input, size, &list, &again));
  FUZZ_CHECK(again.status == error->status && again.message == error->message);
  FUZZ_CHECK(again.has_offset == error->has_offset);
  FUZZ_CHECK(!error->has_offset || again.offset == error->offset);
  free(list.values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *input = (const char *)data;
  json_list list = large_list();
  event_error error;
  if (event_parse(schema, input, size, &list, &error)) {
    const size_t span = json_span(many);
    FUZZ_CHECK(check_value(many, many + span, input, size, 0) == many + span);
    check_list(input, size, span, 1);
    check_list(input, size, span, span);
    if (span > 1) check_list(input, size, span, span - 1);
  } else {
    check_error(input, size, &error);
  }
  fuzz_run(state, data, size);
  return 0;
}
