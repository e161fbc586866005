/*
** Header sections as they were received: see raw_head.h. Only places before the end of the header section are
** read, but for one byte (ends_at): each part is followed by two bytes at least, the empty line's.
*/
#include "raw_head.h"

#include <stdbool.h>
#include <string.h>

/* Where the next header line has to begin; NULL once one did not. */
typedef struct walk {
  const char *next;
} walk;

/* What follows a part that ends in CRLF, both of which are NULs now; else NULL. */
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
  while (space < value && (*space == ' ' || *space == '\t')) space++;
  if (space == value) at->next = after_line(value + value_len);
  return at->next != NULL ? MHD_YES : MHD_NO;
}

/* Whether a header section of `count` headers ends with an empty line at `end` that is CRLF. Before 0.9.74, the
   size that libmicrohttpd returns is that of the empty line, negated, wherever that line is: there, the two bytes
   at `end` are compared. When `end` is one byte too far, the second is the one after the section, which differs
   if more has come. It can be read: the entries of the headers are later in the connection's memory. Without
   headers there is no such entry, and nothing to hide: the request is of HTTP/1.0, the last of its connection. */
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

/* libmicrohttpd 1.0 has no response for what may be no request at all. */
static unsigned refuse_line(const char *method) {
  return is_standard(method) ? MHD_HTTP_BAD_REQUEST : RAW_HEAD_CLOSE;
}

unsigned raw_head_check(struct MHD_Connection *connection, const request_line *line) {
  walk at;
  int count;
  if (!compat_mhd_is_lenient(MHD_get_version())) return RAW_HEAD_CLEAN;
  if (line->version != line->url + strlen(line->target) + 1 || strchr(line->method, '\r') != NULL)
    return RAW_HEAD_CLOSE; /* a NUL in the target, or an invalid method */
  if (line->url != line->method + strlen(line->method) + 1 ||
      strpbrk(line->target, " \t\r") != NULL)
    return refuse_line(line->method);
  at.next = after_line(line->version + strlen(line->version));
  if (at.next == NULL) return refuse_line(line->method);
  count = MHD_get_connection_values_n(connection, MHD_HEADER_KIND, walk_header, &at);
  return at.next != NULL && ends_at(connection, line->method, at.next, count)
             ? RAW_HEAD_CLEAN
             : MHD_HTTP_BAD_REQUEST;
}
