/*
** Message framing of requests: see framing.h. The numbers are sections of RFC 9112. Names and values are
** compared as ASCII: in tr_TR, strcasecmp does not find TRANSFER-ENCODING.
*/
#include "framing.h"

#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* Counts and flags of the header fields. */
typedef struct fields {
  unsigned framing_fields; /* Content-Length and Transfer-Encoding fields */
  unsigned host_fields;    /* Host fields */
  bool is_chunked, is_invalid;
} fields;

/* libmicrohttpd's MHD_KeyValueIteratorN. */
static enum MHD_Result read_field(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t len, const char *value, size_t value_len) {
  fields *found = context;
  (void)kind;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_HOST)) found->host_fields++;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH)) found->framing_fields++;
  if (ascii_is_word(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
    found->framing_fields++;
    found->is_chunked = value != NULL && ascii_equal_strings(value, "chunked");
    /* 6.1: this server decodes no other transfer coding. */
    found->is_invalid = found->is_invalid || !found->is_chunked;
  }
  /* 5.1: no whitespace before the colon; libmicrohttpd leaves it in the name. 5.2: no folded lines; libmicrohttpd keeps
     their line breaks in the value. 2.2: no bare CR. */
  if (!http_is_token(name, len) || (value != NULL && !http_is_clean(value, value_len)))
    found->is_invalid = true;
  return MHD_YES;
}

/* Whether each percent sign before the query begins a valid percent-encoding other than %00. Later releases of
   libmicrohttpd 1.0 reject all other targets; here, so does every version. */
static bool is_decodable(const char *target) {
  const char *c;
  for (c = target; *c != '\0' && *c != '?'; c++) {
    if (*c != '%') continue;
    if (!ascii_is_hex(c[1]) || !ascii_is_hex(c[2]) || (c[1] == '0' && c[2] == '0')) return false;
  }
  return true;
}

/* 3.2: a request-target is not empty and contains no whitespace; and neither a control character nor an invalid
   percent-encoding. */
static bool is_valid_target(const char *text) {
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

/* 3: a valid method and target. 6.1 and 6.3: not both Content-Length and Transfer-Encoding, and neither of them
   twice. 3.2: one Host, which is optional in HTTP/1.0. 6.1: HTTP/1.0 has no Transfer-Encoding; libmicrohttpd before
   1.0 decodes it there, too. */
static bool is_valid_request(const fields *found, const server_request_line *line) {
  const bool is_http_1_0 = strcmp(line->version, MHD_HTTP_VERSION_1_0) == 0;
  return found->framing_fields <= 1 && found->host_fields <= 1 &&
         (found->host_fields == 1 || is_http_1_0) && !(found->is_chunked && is_http_1_0) &&
         !found->is_invalid && http_is_token(line->method, strlen(line->method)) &&
         is_valid_target(line->target);
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
  if (!is_valid_request(&found, line)) return MHD_HTTP_BAD_REQUEST;
  /* This server opens no tunnel. */
  return strcmp(line->method, MHD_HTTP_METHOD_CONNECT) == 0 ? MHD_HTTP_NOT_IMPLEMENTED
                                                            : SERVER_FRAMING_VALID;
}
