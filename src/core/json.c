/*
** Strict JSON (RFC 8259): see json.h.
*/
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* An array or object whose end has not been read. */
struct open {
  struct json_value *value;
  uint64_t hashes[4]; /* a bit for each hash of a name seen */
  bool suspect;       /* two names may be the same: compare them all at the end */
};

struct reader {
  const char *bytes;
  const char *end;
  struct json_value *next; /* the entry to be written next */
  struct json_value *last; /* behind the last entry there is room for */
  bool bounded;            /* `last` is the limit, not the caller's choice */
  size_t members;
  size_t depth;
  struct json_error *error;
  struct open open[JSON_DEPTH_MAX];
};

/*
** What follows a step of the reader. Each step takes the place of the byte to be read next, and
** moves it on; it stays in a register, since nothing that is not inlined is given its address.
*/
enum step { FAILED, NAME_EXPECTED, VALUE_EXPECTED, VALUE_ENDED, DONE };

#define INLINE static inline __attribute__((always_inline))

/* Notes the error at byte `at`. Returns false. */
static bool fail_as(struct reader *r, enum json_status status, const char *message,
                    const char *at) {
  r->error->status = status;
  r->error->message = message;
  r->error->offset = (size_t)(at - r->bytes);
  return false;
}

/* Notes that the byte at `at` is not what `message` says; or that there is none. Returns false. */
static bool fail(struct reader *r, const char *message, const char *at) {
  return fail_as(r, JSON_BAD, at < r->end ? message : "unexpected end of input", at);
}

/* Skips white space. Returns the byte that follows, or -1 at the end. */
INLINE int peek(const struct reader *r, const char **at) {
  const char *p = *at;
  while (p < r->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  *at = p;
  return p < r->end ? (unsigned char)*p : -1;
}

/* Adds an entry that starts at `start`. Returns it, or NULL if there is no room. */
static inline struct json_value *add(struct reader *r, enum json_kind kind, const char *start,
                                     size_t length) {
  struct json_value *const value = r->next;
  if (value == r->last) {
    (void)fail_as(r, r->bounded ? JSON_TOO_LARGE : JSON_FULL, "too many values", start);
    return NULL;
  }
  r->next++;
  *value = (struct json_value){
      .start = (uint32_t)(start - r->bytes), .length = (uint32_t)length, .kind = (uint8_t)kind};
  return value;
}

/* --- strings --------------------------------------------------------------------------------- */

static inline bool is_plain(char c) {
  return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* A bit for each of the sixteen bytes at `p` that is not plain. */
static inline unsigned not_plain(const char *p) {
  const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
  const __m128i below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: 0x80 and up, too */
  const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return (unsigned)_mm_movemask_epi8(_mm_or_si128(below, _mm_or_si128(quotes, backslashes)));
}
#endif

/*
** Skips bytes that stand for themselves: ASCII but quote, backslash and control characters. Most
** bytes of an event are such, so sixteen at a time where the processor can: near the end of the
** input the last sixteen, without those before `p`.
*/
INLINE const char *skip_plain(const struct reader *r, const char *p) {
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

/* The value of four hexadecimal digits, or -1. */
static int32_t hex4(const char *p) {
  int32_t value = 0;
  int i;
  for (i = 0; i < 4; i++) {
    const char c = p[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* Skips the escape at `p`, a backslash. Returns its end, or NULL with the error noted. */
static const char *skip_escape(struct reader *r, const char *p) {
  const ptrdiff_t left = r->end - p;
  int32_t unit;
  if (left < 2) return fail(r, "", r->end), NULL;
  if (p[1] != 'u') {
    if (p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL) return p + 2;
    return fail(r, "invalid escape", p), NULL;
  }
  unit = left >= 6 ? hex4(p + 2) : -1;
  if (unit < 0) return fail(r, "invalid escape", p), NULL;
  if (unit < 0xD800 || unit > 0xDFFF) return p + 6;
  if (unit < 0xDC00 && left >= 12 && p[6] == '\\' && p[7] == 'u') {
    const int32_t low = hex4(p + 8);
    if (low >= 0xDC00 && low <= 0xDFFF) return p + 12;
  }
  return fail(r, "lone surrogate escape", p), NULL;
}

/*
** Finds the quote that ends a string, from `p`, a byte in it that is not plain. Returns it, or NULL
** with the error noted. Not inlined: the usual string never comes here.
*/
__attribute__((noinline)) static const char *find_quote(struct reader *r, const char *p,
                                                        bool *escaped) {
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

/* Reads the string whose quote is at *at into a new entry. Returns it, or NULL. */
INLINE struct json_value *read_string(struct reader *r, const char **at, enum json_kind kind) {
  const char *const start = *at + 1;
  const char *p = skip_plain(r, start);
  struct json_value *value;
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

size_t json_unescape(const char **at, char out[4]) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *p = *at;
  uint32_t code;
  if (p[1] != 'u') {
    *at = p + 2;
    out[0] = to[strchr(from, p[1]) - from];
    return 1;
  }
  code = (uint32_t)hex4(p + 2);
  p += 6;
  if (code >= 0xD800 && code <= 0xDFFF) {
    code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)hex4(p + 2) - 0xDC00);
    p += 6;
  }
  *at = p;
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 0x3F));
  out[2] = (char)(0x80 | (code >> 6 & 0x3F));
  out[3] = (char)(0x80 | (code & 0x3F));
  return 4;
}

/* --- numbers --------------------------------------------------------------------------------- */

static inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end) {
  while (p < end && is_digit(*p)) p++;
  return p;
}

/* Reads the number at `start` into a new entry. Returns its end, or NULL with the error noted. */
static const char *read_number(struct reader *r, const char *start) {
  const char *p = start, *digits;
  enum json_kind kind = JSON_INTEGER;
  if (*p == '-') p++;
  if (p == r->end || !is_digit(*p)) return fail(r, "digit expected", p), NULL;
  if (*p == '0') {
    p++; /* and no digit after it: a second one is no separator */
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

bool json_integer(const char *literal, size_t length, int64_t *integer) {
  const bool negative = literal[0] == '-';
  int64_t value = 0;
  size_t i;
  for (i = negative; i < length; i++) {
    const int digit = literal[i] - '0';
    if (value > (INT64_MAX - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *integer = negative ? -value : value;
  return true;
}

/* The exponent that `p` spells after its `e`, or one that no literal's digits can make up for. */
static int read_exponent(const char *p, const char *end) {
  const bool negative = *p == '-';
  int value = 0;
  if (*p == '-' || *p == '+') p++;
  for (; p < end; p++)
    if (value < 100000) value = value * 10 + (*p - '0');
  return negative ? -value : value;
}

/*
** strtod rounds correctly, but expects the locale's decimal point. So it is given a literal that
** has none: 12.5e3 as 125e2.
*/
double json_real(const char *literal, size_t length) {
  char plain[JSON_NUMBER_MAX + 16];
  const char *p, *const end = literal + length;
  size_t size = 0;
  int exponent = 0;
  bool fraction = false;
  for (p = literal; p < end && *p != 'e' && *p != 'E'; p++) {
    if (*p == '.') {
      fraction = true;
    } else {
      plain[size++] = *p;
      exponent -= fraction;
    }
  }
  if (p < end) exponent += read_exponent(p + 1, end);
  (void)snprintf(plain + size, sizeof plain - size, "e%d", exponent);
  return strtod(plain, NULL);
}

/* --- member names ---------------------------------------------------------------------------- */

struct name {
  const char *at, *end;
  bool escaped;
};

/* Moves the next decoded bytes of *name to `out`. Returns their number, 0 at the end. */
static size_t take(struct name *name, char out[4]) {
  if (name->at == name->end) return 0;
  if (*name->at == '\\') return json_unescape(&name->at, out);
  out[0] = *name->at++;
  return 1;
}

/* Orders two names by their decoded bytes. */
static int compare_names(const void *left, const void *right) {
  struct name a = *(const struct name *)left, b = *(const struct name *)right;
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

/*
** Compares the names of `object`, whose end has been read; sorted, so that hostile names cost no
** more than others. False if one appears twice. Not inlined: keeps its array off the usual path.
*/
__attribute__((noinline)) static bool check_names(struct reader *r,
                                                  const struct json_value *object) {
  struct name names[JSON_MEMBERS_MAX];
  const struct json_value *value;
  const char *twice = NULL;
  size_t count = 0, i;
  for (value = object + 1; value < r->next; value += 1 + json_span(value + 1)) {
    names[count].at = r->bytes + value->start;
    names[count].end = names[count].at + value->length;
    names[count].escaped = value->escaped;
    count++;
  }
  /* cppcheck-suppress uninitvar ; the first `count` are set, and no more are looked at */
  qsort(names, count, sizeof names[0], compare_names);
  for (i = 1; i < count; i++) {
    if (compare_names(&names[i - 1], &names[i]) == 0) {
      const bool later = names[i].at > names[i - 1].at;
      const char *const second = later ? names[i].at : names[i - 1].at;
      if (twice == NULL || second < twice) twice = second;
    }
  }
  return twice == NULL || fail(r, "duplicate member name", twice - 1);
}

/* Reads a member's name and the colon. */
INLINE enum step read_name(struct reader *r, const char **at) {
  struct open *const object = &r->open[r->depth - 1];
  struct json_value *name;
  if (peek(r, at) != '"') return fail(r, "member name expected", *at), FAILED;
  if (++r->members > JSON_MEMBERS_MAX)
    return fail_as(r, JSON_TOO_LARGE, "too many members", *at), FAILED;
  name = read_string(r, at, JSON_NAME);
  if (name == NULL) return FAILED;
  if (name->escaped) {
    object->suspect = true;
  } else {
    const uint8_t hash = json_name_hash(r->bytes + name->start, name->length);
    const uint64_t bit = UINT64_C(1) << (hash & 63);
    object->suspect |= (object->hashes[hash >> 6] & bit) != 0;
    object->hashes[hash >> 6] |= bit;
    name->hash = hash;
  }
  if (peek(r, at) != ':') return fail(r, "':' expected", *at), FAILED;
  ++*at;
  return VALUE_EXPECTED;
}

/* --- structure ------------------------------------------------------------------------------- */

/* Opens the array or object at *at. */
INLINE enum step open_value(struct reader *r, const char **at, enum json_kind kind) {
  struct open *open;
  if (r->depth == JSON_DEPTH_MAX)
    return fail_as(r, JSON_TOO_LARGE, "nested too deeply", *at), FAILED;
  open = &r->open[r->depth];
  open->value = add(r, kind, *at, 0);
  if (open->value == NULL) return FAILED;
  memset(open->hashes, 0, sizeof open->hashes);
  open->suspect = false;
  ++*at;
  if (peek(r, at) == (kind == JSON_OBJECT ? '}' : ']')) {
    ++*at;
    return VALUE_ENDED;
  }
  r->depth++;
  return kind == JSON_OBJECT ? NAME_EXPECTED : VALUE_EXPECTED;
}

/* Reads `word` at `p` into a new entry. Returns its end, or NULL with the error noted. */
static const char *read_word(struct reader *r, const char *p, const char *word, size_t length,
                             enum json_kind kind) {
  const size_t left = (size_t)(r->end - p);
  size_t i;
  for (i = 0; i < length; i++)
    if (i == left || p[i] != word[i]) return fail(r, "value expected", p + i), NULL;
  return add(r, kind, p, length) != NULL ? p + length : NULL;
}

/* Reads a null, which does not count as an object's member. */
static const char *read_null(struct reader *r, const char *p) {
  struct json_value *const in = r->depth > 0 ? r->open[r->depth - 1].value : NULL;
  if (in != NULL && in->kind == JSON_OBJECT) in->count--;
  return read_word(r, p, "null", 4, JSON_NULL);
}

/* Reads the number or word at `p`. Returns its end, or NULL with the error noted. */
static const char *read_scalar(struct reader *r, const char *p, int c) {
  if (c == 't') return read_word(r, p, "true", 4, JSON_TRUE);
  if (c == 'f') return read_word(r, p, "false", 5, JSON_FALSE);
  if (c == 'n') return read_null(r, p);
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, p);
  return fail(r, "value expected", p), NULL;
}

/* Reads a value, of an array or object its beginning. */
INLINE enum step read_value(struct reader *r, const char **at) {
  const int c = peek(r, at);
  if (c == '"') return read_string(r, at, JSON_STRING) != NULL ? VALUE_ENDED : FAILED;
  if (c == '{') return open_value(r, at, JSON_OBJECT);
  if (c == '[') return open_value(r, at, JSON_ARRAY);
  *at = read_scalar(r, *at, c);
  return *at != NULL ? VALUE_ENDED : FAILED;
}

/* Reads what follows a value: a comma, the end of what it is in, or the end of the input. */
INLINE enum step read_after_value(struct reader *r, const char **at) {
  const int c = peek(r, at);
  struct open *open;
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
  open->value->length = (uint32_t)(r->next - open->value - 1);
  return open->suspect && !check_names(r, open->value) ? FAILED : VALUE_ENDED;
}

bool json_parse(const char *bytes, size_t length, struct json_value *values, size_t capacity,
                struct json_error *error) {
  const char *at = bytes;
  struct reader r;
  r.bytes = bytes;
  r.end = bytes + length;
  r.next = values;
  r.last = values + capacity;
  r.bounded = capacity >= JSON_VALUES_MAX;
  r.members = 0;
  r.depth = 0;
  r.error = error;
  error->status = JSON_OK;
  if (length > JSON_BYTES_MAX) return fail_as(&r, JSON_TOO_LARGE, "input too long", bytes);
  if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
    return fail(&r, "byte order mark before the value", bytes);
  for (;;) {
    enum step step = read_value(&r, &at);
    while (step == VALUE_ENDED) step = read_after_value(&r, &at);
    if (step == NAME_EXPECTED) step = read_name(&r, &at);
    if (step != VALUE_EXPECTED) return step == DONE;
  }
}
