/*
** Comparison of member names: see json_names.h.
*/
#include "json_names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json_decode.h"

typedef struct member_name {
  const char *at, *end;
  bool escaped;
} member_name;

/* Decodes the next character of *name to `out`. Returns the number of bytes, 0 at the end. */
static size_t take(member_name *name, char out[4]) {
  if (name->at == name->end) return 0;
  if (*name->at == '\\') return json_unescape(&name->at, out);
  out[0] = *name->at++;
  return 1;
}

/* Orders two names by their decoded bytes. */
static int compare_names(const void *left, const void *right) {
  member_name a = *(const member_name *)left, b = *(const member_name *)right;
  const size_t a_size = (size_t)(a.end - a.at), b_size = (size_t)(b.end - b.at);
  char a_bytes[4], b_bytes[4];
  size_t a_count = 0, b_count = 0, a_next = 0, b_next = 0;
  if (!a.escaped && !b.escaped) {
    const int order = memcmp(a.at, b.at, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
  }
  for (;;) {
    if (a_next == a_count) a_count = take(&a, a_bytes), a_next = 0;
    if (b_next == b_count) b_count = take(&b, b_bytes), b_next = 0;
    if (a_count == 0 || b_count == 0) return (a_count != 0) - (b_count != 0);
    if (a_bytes[a_next] != b_bytes[b_next])
      return (unsigned char)a_bytes[a_next] < (unsigned char)b_bytes[b_next] ? -1 : 1;
    a_next++;
    b_next++;
  }
}

const char *json_find_duplicate(const char *bytes, const json_value *object,
                                const json_value *end) {
  member_name names[JSON_MEMBERS_MAX];
  const json_value *value;
  const char *duplicate = NULL;
  size_t count = 0, i;
  for (value = object + 1; value < end; value += 1 + json_span(value + 1)) {
    assert(value->kind == JSON_NAME && count < JSON_MEMBERS_MAX);
    names[count].at = bytes + value->start;
    names[count].end = names[count].at + value->len;
    names[count].escaped = value->escaped;
    count++;
  }
  /* cppcheck-suppress uninitvar ; the first `count` are set, and no others are read */
  qsort(names, count, sizeof names[0], compare_names);
  for (i = 1; i < count; i++) {
    if (compare_names(&names[i - 1], &names[i]) == 0) {
      const bool later = names[i].at > names[i - 1].at;
      const char *const second = later ? names[i].at : names[i - 1].at;
      if (duplicate == NULL || second < duplicate) duplicate = second;
    }
  }
  return duplicate;
}
