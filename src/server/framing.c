/*
** Message framing of requests: see framing.h. Names and values are compared as ASCII: in tr_TR,
** strcasecmp does not find TRANSFER-ENCODING.
*/
#include "framing.h"

#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

static bool is_named(const char *name, size_t len, const char *other) {
  return ascii_equal(name, len, other, strlen(other));
}

/* libmicrohttpd's MHD_KeyValueIteratorN. */
static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t len, const char *value, size_t value_len) {
  framing *found = context;
  (void)kind;
  if (is_named(name, len, MHD_HTTP_HEADER_HOST)) found->hosts++;
  if (is_named(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH)) found->lengths++;
  if (is_named(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
    found->lengths++;
    found->chunked = value != NULL && ascii_equal_strings(value, "chunked");
    found->invalid = found->invalid || !found->chunked;
  }
  /* libmicrohttpd takes a space before the colon for a part of the name, and joins folded lines to one value,
     with their line breaks. */
  if (!http_is_token(name, len) || (value != NULL && !http_is_clean(value, value_len)))
    found->invalid = true;
  return MHD_YES;
}

framing framing_read(struct MHD_Connection *connection) {
  framing found = {0, 0, false, false};
  (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_header, &found);
  return found;
}

/* Whether each percent sign before the query begins an encoding, and none is that of NUL: newer versions of
   libmicrohttpd 1.0 reject all other targets. */
static bool is_decodable(const char *target) {
  const char *c;
  for (c = target; *c != '\0' && *c != '?'; c++) {
    if (*c != '%') continue;
    if (!ascii_is_hex(c[1]) || !ascii_is_hex(c[2]) || (c[1] == '0' && c[2] == '0')) return false;
  }
  return true;
}

static bool is_target(const char *text) {
  const size_t len = strlen(text);
  return len > 0 && strpbrk(text, " \t") == NULL && http_is_clean(text, len) && is_decodable(text);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* libmicrohttpd 0.9.71 and 0.9.72 do not look at the version. */
static unsigned check_version(const char *version) {
  if (strlen(version) != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7]))
    return MHD_HTTP_BAD_REQUEST;
  return version[5] == '1' ? 0 : MHD_HTTP_HTTP_VERSION_NOT_SUPPORTED;
}

/* HTTP/1.0 has no Transfer-Encoding: RFC 9112, 6.1. libmicrohttpd before 1.0 decodes it there, too. */
static bool is_clear(const framing *found, const request_line *line) {
  const bool is_old = strcmp(line->version, MHD_HTTP_VERSION_1_0) == 0;
  return found->lengths <= 1 && found->hosts <= 1 && (found->hosts == 1 || is_old) &&
         !(found->chunked && is_old) && !found->invalid &&
         http_is_token(line->method, strlen(line->method)) && is_target(line->target);
}

unsigned framing_check(const framing *found, const request_line *line) {
  const unsigned status = check_version(line->version);
  if (status != 0) return status;
  if (!is_clear(found, line)) return MHD_HTTP_BAD_REQUEST;
  /* libmicrohttpd 1.0 sends no 2xx for it: there is no tunnel. */
  return strcmp(line->method, MHD_HTTP_METHOD_CONNECT) == 0 ? MHD_HTTP_NOT_IMPLEMENTED : 0;
}
