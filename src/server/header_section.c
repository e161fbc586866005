/*
** Header sections as they were received: see header_section.h. Reads received bytes only: the empty line follows every
** string, so the two bytes after a string exist. Only ends_at may read one byte after the section.
*/
#include "header_section.h"

#include <stdbool.h>
#include <string.h>

#include "../common/http_syntax.h"

/* Where the next header line has to begin; NULL once a line was malformed. */
typedef struct walk {
  const char *next;
} walk;

/* The byte after the CRLF (two NULs now) that ended a string; NULL if the string ended otherwise. */
static const char *after_line(const char *end) {
  return end[0] == '\0' && end[1] == '\0' ? end + 2 : NULL;
}

/* libmicrohttpd's MHD_KeyValueIteratorN. */
static enum MHD_Result walk_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t len, const char *value, size_t value_len) {
  walk *at = context;
  const bool is_next = name == at->next;
  const char *space = name + len + 1;
  (void)kind;
  at->next = NULL;
  if (!is_next || value == NULL) return MHD_NO;
  while (space < value && http_is_blank(*space)) space++;
  if (space == value) at->next = after_line(value + value_len);
  return at->next != NULL ? MHD_YES : MHD_NO;
}

/* Whether a header section of `count` headers ends with CRLF at `end`. Before 0.9.74, `header_size` is the negated
   length of the empty line (-2 for CRLF), which does not locate it, so the two bytes at `end` must be NUL. After a bare
   LF, `end` is one too far, and the second byte is the first one after the section. That byte is inside the
   connection's pool: the entries of the headers are stored after it. A request without headers has no entries, so its
   bytes are not read: it must be HTTP/1.0, whose connection ends with it. */
static bool ends_at(struct MHD_Connection *connection, const char *begin, const char *end,
                    int count) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (info == NULL) return false;
  if (info->header_size != (size_t)0 - 2) return info->header_size == (size_t)(end + 2 - begin);
  return count == 0 || after_line(end) != NULL;
}

/* Whether libmicrohttpd 1.0 responds to an invalid request line with this method. With any other, it closes the
   connection, because the bytes may not be HTTP. */
static bool gets_response(const char *method) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
  size_t i;
  for (i = 0; i < sizeof methods / sizeof *methods; i++)
    if (strcmp(method, methods[i]) == 0) return true;
  return false;
}

static unsigned invalid_line_status(const char *method) {
  return gets_response(method) ? MHD_HTTP_BAD_REQUEST : SERVER_FRAMING_CLOSE;
}

unsigned server_header_section_check(struct MHD_Connection *connection,
                                     const server_request_line *line) {
  walk at;
  int count;
  if (!compat_mhd_is_lenient(MHD_get_version())) return SERVER_FRAMING_VALID;
  if (line->version != line->url + strlen(line->target) + 1 || strchr(line->method, '\r') != NULL)
    return SERVER_FRAMING_CLOSE; /* a NUL in the target, or an invalid method */
  /* repeated spaces before the target, or whitespace in it: */
  if (line->url != line->method + strlen(line->method) + 1 ||
      strpbrk(line->target, " \t\r") != NULL)
    return invalid_line_status(line->method);
  at.next = after_line(line->version + strlen(line->version));
  if (at.next == NULL) return invalid_line_status(line->method);
  count = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, walk_header, &at);
  return at.next != NULL && ends_at(connection, line->method, at.next, count)
             ? SERVER_FRAMING_VALID
             : MHD_HTTP_BAD_REQUEST;
}
