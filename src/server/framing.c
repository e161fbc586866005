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

/* Whether `name` begins with `other` and goes on: libmicrohttpd takes a space before the colon for a
   part of the name. */
static bool is_longer(const char *name, size_t len, const char *other) {
  const size_t other_len = strlen(other);
  return len > other_len && ascii_equal(name, other_len, other, other_len);
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
  /* libmicrohttpd joins folded lines to one value, with their line breaks. */
  if (!http_is_token(name, len) || (value != NULL && !http_is_clean(value, value_len)) ||
      is_longer(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH) ||
      is_longer(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING))
    found->invalid = true;
  return MHD_YES;
}

framing framing_read(struct MHD_Connection *connection) {
  framing found = {0, 0, false, false};
  (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_header, &found);
  return found;
}

static bool is_target(const char *text) {
  const size_t len = strlen(text);
  return len > 0 && strpbrk(text, " \t") == NULL && http_is_clean(text, len);
}

bool framing_is_clear(const framing *found, const char *method, const char *target) {
  return found->lengths <= 1 && found->hosts <= 1 && !found->invalid &&
         http_is_token(method, strlen(method)) && is_target(target);
}
