/*
** Strict JSON (RFC 8259): see json.h.
*/
#include "json.h"

#include <assert.h>
#include <string.h>

#include "json_decode.h"
#include "json_names.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How many times as many entries a full list gets. */
#define GROWTH 4

/* An array or object that the reader is inside of. */
typedef struct container {
  json_value *value;
  uint64_t hashes[4]; /* a bit for each hash of the names so far */
  uint32_t names;     /* how many there are so far */
  bool suspect;       /* two names may be equal: compare all of them at the end */
} container;

typedef struct reader {
  const char *bytes;
  const char *end;
  json_value *next; /* the next entry to write */
  json_value *last; /* the end of the list's array */
  json_list *list;
  size_t depth;
  json_error *error;
  container open[JSON_DEPTH_MAX];
} reader;

/* What the reader expects after a step. Each step gets the position of the next byte and advances it. The
   position stays in a register, because its address is passed to inlined functions only. */
typedef enum step { FAILED, NAME_EXPECTED, VALUE_EXPECTED, VALUE_ENDED, DONE } step;

#define INLINE static inline __attribute__((always_inline))

/* Records the error at byte `at`. Returns false. */
static bool fail_as(reader *r, json_status status, const char *message, const char *at) {
  r->error->status = status;
  r->error->message = message;
  r->error->offset = (size_t)(at - r->bytes);
  return false;
}

/* Records the error `message` at `at`, or an unexpected end of the input there. Returns false. */
static bool fail(reader *r, const char *message, const char *at) {
  return fail_as(r, JSON_BAD, at < r->end ? message : "unexpected end of input", at);
}

/* Skips white space. Returns the byte that follows, or -1 at the end. */
INLINE int peek(const reader *r, const char **at) {
  const char *p = *at;
  while (p < r->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  *at = p;
  return p < r->end ? (unsigned char)*p : -1;
}

/* Makes room for more entries: the list gets another array, so no pointer to an entry is valid afterwards, except in
   `open`. Returns false and records the error if there are too many. Not inlined: most lists are never full. */
__attribute__((noinline)) static bool grow(reader *r, const char *at) {
  json_list *const list = r->list;
  const json_value *const before = list->values;
  const size_t count = list->capacity;
  size_t i;
  if (count == JSON_VALUES_MAX) return fail_as(r, JSON_TOO_LARGE, "too many values", at);
  list->grow(list, count < JSON_VALUES_MAX / GROWTH ? count * GROWTH : JSON_VALUES_MAX);
  assert(list->capacity > count);
  r->next = list->values + count;
  r->last = list->values + list->capacity;
  for (i = 0; i < r->depth; i++) r->open[i].value = list->values + (r->open[i].value - before);
  return true;
}

/* Adds an entry that starts at `start`. Returns it, or NULL if there are too many. */
static inline json_value *add(reader *r, json_kind kind, const char *start, size_t len) {
  json_value *value;
  if (r->next == r->last && !grow(r, start)) return NULL;
  value = r->next++;
  *value = (json_value){
      .start = (uint32_t)(start - r->bytes), .len = (uint32_t)len, .kind = (uint8_t)kind};
  return value;
}

/* --- strings --------------------------------------------------------------------------------- */

static inline bool is_plain(char c) {
  return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* A bit for each of the sixteen bytes at `p` that is not plain. */
static inline unsigned not_plain(const char *p) {
  const __m128i bytes = _mm_loadu_si128((const void *)p);
  const __m128i below =
      _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: includes 0x80 and above */
  const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return (unsigned)_mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quotes, backslashes)));
}
#endif

/* Skips plain bytes: ASCII except quote, backslash and control characters. Most bytes are plain, so sixteen are
   checked at a time where the processor can. Near the end of the input, these are its last sixteen, of which the
   ones before `p` are ignored. */
INLINE const char *skip_plain(const reader *r, const char *p) {
#ifdef __SSE2__
  unsigned found;
  while (r->end - p >= 16) {
    found = not_plain(p);
    if (found != 0) return p + __builtin_ctz(found);
    p += 16;
  }
  if (r->end - r->bytes >= 16) {
    found = not_plain(r->end - 16) >> (16 - (r->end - p));
    return found != 0 ? p + __builtin_ctz(found) : r->end;
  }
#endif
  while (p < r->end && is_plain(*p)) p++;
  return p;
}

static inline bool is_between(char c, unsigned low, unsigned high) {
  return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* Returns the end of the UTF-8 sequence of two to four bytes at `p`, or NULL if it is not one. */
static const char *skip_utf8(const char *p, const char *end) {
  const unsigned char lead = (unsigned char)*p;
  const size_t left = (size_t)(end - p);
  unsigned low = 0x80, high = 0xBF; /* of the second byte */
  size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, i;
  if (lead < 0xC2 || lead > 0xF4 || left < size) return NULL;
  if (lead == 0xE0) low = 0xA0;  /* else overlong */
  if (lead == 0xED) high = 0x9F; /* else a surrogate */
  if (lead == 0xF0) low = 0x90;  /* else overlong */
  if (lead == 0xF4) high = 0x8F; /* else beyond U+10FFFF */
  if (!is_between(p[1], low, high)) return NULL;
  for (i = 2; i < size; i++)
    if (!is_between(p[i], 0x80, 0xBF)) return NULL;
  return p + size;
}

/* Skips the escape at `p`, a backslash. Returns its end, or NULL and records the error. */
static const char *skip_escape(reader *r, const char *p) {
  const ptrdiff_t left = r->end - p;
  int32_t unit;
  if (left < 2) return fail(r, "", r->end), NULL;
  if (p[1] != 'u') {
    if (p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL) return p + 2;
    return fail(r, "invalid escape", p), NULL;
  }
  unit = left >= 6 ? json_hex4(p + 2) : -1;
  if (unit < 0) return fail(r, "invalid escape", p), NULL;
  if (unit < 0xD800 || unit > 0xDFFF) return p + 6;
  if (unit < 0xDC00 && left >= 12 && p[6] == '\\' && p[7] == 'u') {
    const int32_t low = json_hex4(p + 8);
    if (low >= 0xDC00 && low <= 0xDFFF) return p + 12;
  }
  return fail(r, "lone surrogate escape", p), NULL;
}

/* Finds the quote that ends a string, starting at `p`, a byte inside it that is not plain. Returns its position, or
   NULL and records the error. Not inlined: most strings are plain. */
__attribute__((noinline)) static const char *find_quote(reader *r, const char *p, bool *escaped) {
  for (;;) {
    p = skip_plain(r, p);
    if (p < r->end && *p == '"') return p;
    if (p < r->end && *p == '\\') {
      *escaped = true;
      p = skip_escape(r, p);
      if (p == NULL) return NULL;
    } else if (p == r->end || (unsigned char)*p < 0x20) {
      return fail(r, "control character in a string", p), NULL;
    } else {
      const char *const next = skip_utf8(p, r->end);
      if (next == NULL) return fail(r, "invalid UTF-8", p), NULL;
      p = next;
    }
  }
}

/* Reads the string that starts with the quote at *at into a new entry. Returns the entry, or NULL. */
INLINE json_value *read_string(reader *r, const char **at, json_kind kind) {
  const char *const start = *at + 1;
  const char *p = skip_plain(r, start);
  json_value *value;
  bool escaped = false;
  if (p == r->end || *p != '"') {
    p = find_quote(r, p, &escaped);
    if (p == NULL) return NULL;
  }
  *at = p + 1;
  value = add(r, kind, start, (size_t)(p - start));
  if (value != NULL) value->escaped = escaped;
  return value;
}

/* --- numbers --------------------------------------------------------------------------------- */

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end) {
  while (p < end && is_digit(*p)) p++;
  return p;
}

/* Reads the number at `start` into a new entry. Returns its end, or NULL and records the error. */
static const char *read_number(reader *r, const char *start) {
  const char *p = start, *digits;
  json_kind kind = JSON_INTEGER;
  if (*p == '-') p++;
  if (p == r->end || !is_digit(*p)) return fail(r, "digit expected", p), NULL;
  if (*p == '0') {
    p++; /* a digit after it is an error: the next step expects a separator */
  } else {
    p = skip_digits(p, r->end);
  }
  if (p < r->end && *p == '.') {
    kind = JSON_REAL;
    digits = p + 1;
    p = skip_digits(digits, r->end);
    if (p == digits) return fail(r, "digit expected", p), NULL;
  }
  if (p < r->end && (*p == 'e' || *p == 'E')) {
    kind = JSON_REAL;
    digits = p + 1;
    if (digits < r->end && (*digits == '+' || *digits == '-')) digits++;
    p = skip_digits(digits, r->end);
    if (p == digits) return fail(r, "digit expected", p), NULL;
  }
  if (p - start > JSON_NUMBER_MAX)
    return fail_as(r, JSON_TOO_LARGE, "number too long", start), NULL;
  return add(r, kind, start, (size_t)(p - start)) != NULL ? p : NULL;
}

/* --- structure ------------------------------------------------------------------------------- */

/* Checks that the names of `object`, which ends at the next entry, are unique. */
static bool check_names(reader *r, const json_value *object) {
  const char *const duplicate = json_find_duplicate(r->bytes, object, r->next);
  return duplicate == NULL || fail(r, "duplicate member name", duplicate - 1);
}

/* Reads a member's name and the colon. */
INLINE step read_name(reader *r, const char **at) {
  container *const object = &r->open[r->depth - 1];
  json_value *name;
  if (peek(r, at) != '"') return fail(r, "member name expected", *at), FAILED;
  if (++object->names > JSON_MEMBERS_MAX)
    return fail_as(r, JSON_TOO_LARGE, "too many members", *at), FAILED;
  name = read_string(r, at, JSON_NAME);
  if (name == NULL) return FAILED;
  if (name->escaped) {
    object->suspect = true;
  } else {
    const uint8_t hash = json_name_hash(r->bytes + name->start, name->len);
    const uint64_t bit = UINT64_C(1) << (hash & 63);
    object->suspect |= (object->hashes[hash >> 6] & bit) != 0;
    object->hashes[hash >> 6] |= bit;
    name->hash = hash;
  }
  if (peek(r, at) != ':') return fail(r, "':' expected", *at), FAILED;
  ++*at;
  return VALUE_EXPECTED;
}

/* Opens the array or object at *at. */
INLINE step open_value(reader *r, const char **at, json_kind kind) {
  container *open;
  if (r->depth == JSON_DEPTH_MAX)
    return fail_as(r, JSON_TOO_LARGE, "nested too deeply", *at), FAILED;
  open = &r->open[r->depth];
  open->value = add(r, kind, *at, 0);
  if (open->value == NULL) return FAILED;
  memset(open->hashes, 0, sizeof open->hashes);
  open->names = 0;
  open->suspect = false;
  ++*at;
  if (peek(r, at) == (kind == JSON_OBJECT ? '}' : ']')) {
    ++*at;
    return VALUE_ENDED;
  }
  r->depth++;
  return kind == JSON_OBJECT ? NAME_EXPECTED : VALUE_EXPECTED;
}

/* Reads `word` at `p` into a new entry. Returns its end, or NULL and records the error. */
static const char *read_word(reader *r, const char *p, const char *word, size_t len,
                             json_kind kind) {
  const size_t left = (size_t)(r->end - p);
  size_t i;
  for (i = 0; i < len; i++)
    if (i == left || p[i] != word[i]) return fail(r, "value expected", p + i), NULL;
  return add(r, kind, p, len) != NULL ? p + len : NULL;
}

/* Reads a null, which is not counted as a member of an object. */
static const char *read_null(reader *r, const char *p) {
  json_value *const in = r->depth > 0 ? r->open[r->depth - 1].value : NULL;
  if (in != NULL && in->kind == JSON_OBJECT) in->count--;
  return read_word(r, p, "null", 4, JSON_NULL);
}

/* Reads the number or word at `p`. Returns its end, or NULL and records the error. */
static const char *read_scalar(reader *r, const char *p, int c) {
  if (c == 't') return read_word(r, p, "true", 4, JSON_TRUE);
  if (c == 'f') return read_word(r, p, "false", 5, JSON_FALSE);
  if (c == 'n') return read_null(r, p);
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, p);
  return fail(r, "value expected", p), NULL;
}

/* Reads a scalar, or the beginning of an array or object. */
INLINE step read_value(reader *r, const char **at) {
  const int c = peek(r, at);
  if (c == '"') return read_string(r, at, JSON_STRING) != NULL ? VALUE_ENDED : FAILED;
  if (c == '{') return open_value(r, at, JSON_OBJECT);
  if (c == '[') return open_value(r, at, JSON_ARRAY);
  *at = read_scalar(r, *at, c);
  return *at != NULL ? VALUE_ENDED : FAILED;
}

/* Reads what follows a value: a comma, the end of the enclosing array or object, or the end of the input. */
INLINE step read_after_value(reader *r, const char **at) {
  const int c = peek(r, at);
  container *open;
  bool object;
  if (r->depth == 0) return c < 0 ? DONE : (fail(r, "end of input expected", *at), FAILED);
  open = &r->open[r->depth - 1];
  object = open->value->kind == JSON_OBJECT;
  open->value->count++;
  if (c == ',') {
    ++*at;
    return object ? NAME_EXPECTED : VALUE_EXPECTED;
  }
  if (c != (object ? '}' : ']'))
    return fail(r, object ? "',' or '}' expected" : "',' or ']' expected", *at), FAILED;
  ++*at;
  r->depth--;
  open->value->len = (uint32_t)(r->next - open->value - 1);
  return open->suspect && !check_names(r, open->value) ? FAILED : VALUE_ENDED;
}

bool json_parse(const char *bytes, size_t len, json_list *list, json_error *error) {
  const char *at = bytes;
  reader r;
  assert(list->capacity > 0 && list->capacity <= JSON_VALUES_MAX);
  r.bytes = bytes;
  r.end = bytes + len;
  r.list = list;
  r.next = list->values;
  r.last = list->values + list->capacity;
  r.depth = 0;
  r.error = error;
  error->status = JSON_OK;
  if (len > JSON_BYTES_MAX) return fail_as(&r, JSON_TOO_LARGE, "input too long", bytes);
  if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
    return fail(&r, "byte order mark before the value", bytes);
  for (;;) {
    step next = read_value(&r, &at);
    while (next == VALUE_ENDED) next = read_after_value(&r, &at);
    if (next == NAME_EXPECTED) next = read_name(&r, &at);
    if (next != VALUE_EXPECTED) return next == DONE;
  }
}
