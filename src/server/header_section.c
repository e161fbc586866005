/*
** Header sections as they were received: see header_section.h. Only bytes before the end of the header section
** are read, and one byte after it (ends_at): at least two bytes follow each string, those of the empty line.
*/
#include "header_section.h"

#include <stdbool.h>
#include <string.h>

#include "../common/http_syntax.h"

/* Where the next header line has to begin; NULL once a line began elsewhere. */
typedef struct walk {
  const char *next;
} walk;

/* What follows a string that ended in CRLF, both of which are NULs now; else NULL. */
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

/* Whether a header section of `count` headers ends with an empty line at `end` that is CRLF. Before 0.9.74,
   libmicrohttpd returns as its size the negated size of the empty line, wherever that line is; so the two bytes
   at `end` are compared there. If `end` is one byte too far, the second of them is the one after the section,
   which differs if more bytes have come. It may be read: the entries of the headers are behind it in the
   connection's memory. Without headers there is no entry, but nothing to hide either: such a request is
   HTTP/1.0, the last of its connection. */
static bool ends_at(struct MHD_Connection *connection, const char *begin, const char *end,
                    int count) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (info == NULL) return false;
  if (info->header_size != (size_t)0 - 2) return info->header_size == (size_t)(end + 2 - begin);
  return count == 0 || after_line(end) != NULL;
}

static bool is_standard(const char *method) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
  size_t i;
  for (i = 0; i < sizeof methods / sizeof *methods; i++)
    if (strcmp(method, methods[i]) == 0) return true;
  return false;
}

/* libmicrohttpd 1.0 sends no response to an invalid line with an unknown method: it may not be HTTP at all. */
static unsigned reject_line(const char *method) {
  return is_standard(method) ? MHD_HTTP_BAD_REQUEST : SERVER_FRAMING_CLOSE;
}

unsigned server_header_section_check(struct MHD_Connection *connection,
                                     const server_request_line *line) {
  walk at;
  int count;
  if (!compat_mhd_is_lenient(MHD_get_version())) return SERVER_FRAMING_VALID;
  if (line->version != line->url + strlen(line->target) + 1 || strchr(line->method, '\r') != NULL)
    return SERVER_FRAMING_CLOSE; /* a NUL in the target, or an invalid method */
  if (line->url != line->method + strlen(line->method) + 1 ||
      strpbrk(line->target, " \t\r") != NULL)
    return reject_line(line->method);
  at.next = after_line(line->version + strlen(line->version));
  if (at.next == NULL) return reject_line(line->method);
  count = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, walk_header, &at);
  return at.next != NULL && ends_at(connection, line->method, at.next, count)
             ? SERVER_FRAMING_VALID
             : MHD_HTTP_BAD_REQUEST;
}
