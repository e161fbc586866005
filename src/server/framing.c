/*
** Message framing of requests: see framing.h. The numbers are sections of RFC 9112. Names and values are
** compared as ASCII: in tr_TR, strcasecmp does not find TRANSFER-ENCODING.
*/
#include "framing.h"

#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* What the header fields state. */
typedef struct fields {
  unsigned framings; /* Content-Length and Transfer-Encoding fields */
  unsigned hosts;    /* Host fields */
  bool is_chunked, is_invalid;
} fields;

/* libmicrohttpd's MHD_KeyValueIteratorN. */
static enum MHD_Result read_field(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t len, const char *value, size_t value_len) {
  fields *found = context;
  (void)kind;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_HOST)) found->hosts++;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH)) found->framings++;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
    found->framings++;
    found->is_chunked = value != NULL && ascii_equal_strings(value, "chunked");
    /* 6.1: this server decodes no other transfer coding. */
    found->is_invalid = found->is_invalid || !found->is_chunked;
  }
  /* 5.1: no whitespace before the colon, which libmicrohttpd makes a part of the name. 5.2: no folded lines,
     which it joins with their line breaks. 2.2: no bare CR. */
  if (!http_is_token(name, len) || (value != NULL && !http_is_clean(value, value_len)))
    found->is_invalid = true;
  return MHD_YES;
}

/* Whether each percent sign before the query begins an encoded byte other than NUL: newer versions of
   libmicrohttpd 1.0 reject all other targets. */
static bool is_decodable(const char *target) {
  const char *c;
  for (c = target; *c != '\0' && *c != '?'; c++) {
    if (*c != '%') continue;
    if (!ascii_is_hex(c[1]) || !ascii_is_hex(c[2]) || (c[1] == '0' && c[2] == '0')) return false;
  }
  return true;
}

/* 3.2: no whitespace in the request-target. */
static bool is_target(const char *text) {
  const size_t len = strlen(text);
  return len > 0 && strpbrk(text, " \t") == NULL && http_is_clean(text, len) && is_decodable(text);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* 2.3. libmicrohttpd 0.9.71 and 0.9.72 do not check the version. */
static unsigned check_version(const char *version) {
  if (strlen(version) != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7]))
    return MHD_HTTP_BAD_REQUEST;
  return version[5] == '1' ? SERVER_FRAMING_VALID : MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED;
}

/* 6.1 and 6.3: not both Content-Length and Transfer-Encoding, and neither of them twice. 3.2: one Host, which
   is optional in HTTP/1.0. 6.1: HTTP/1.0 has no Transfer-Encoding; libmicrohttpd before 1.0 decodes it even
   there. */
static bool is_unambiguous(const fields *found, const server_request_line *line) {
  const bool is_http_1_0 = strcmp(line->version, MHD_HTTP_VERSION_1_0) == 0;
  return found->framings <= 1 && found->hosts <= 1 && (found->hosts == 1 || is_http_1_0) &&
         !(found->is_chunked && is_http_1_0) && !found->is_invalid &&
         http_is_token(line->method, strlen(line->method)) && is_target(line->target);
}

unsigned server_framing_check(struct MHD_Connection *connection, const server_request_line *line,
                              bool *is_chunked) {
  fields found = {0, 0, false, false};
  unsigned status;
  (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_field, &found);
  *is_chunked = found.is_chunked;
  status = server_header_section_check(connection, line);
  if (status == SERVER_FRAMING_VALID) status = check_version(line->version);
  if (status != SERVER_FRAMING_VALID) return status;
  if (!is_unambiguous(&found, line)) return MHD_HTTP_BAD_REQUEST;
  /* libmicrohttpd 1.0 sends no 2xx to CONNECT, because this server opens no tunnel. */
  return strcmp(line->method, MHD_HTTP_METHOD_CONNECT) == 0 ? MHD_HTTP_NOT_IMPLEMENTED
                                                            : SERVER_FRAMING_VALID;
}
