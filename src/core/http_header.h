/*
** http_header.h: the header lines of a request.
**
** libcurl writes the headers of message framing itself, for the body that it sends. Another value from the
** caller would move the end of the request (request smuggling), so those headers are rejected.
*/
#ifndef APIVIDEO_HTTP_HEADER_H
#define APIVIDEO_HTTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "http_problem.h"

/* A zeroed one is empty. */
typedef struct http_headers {
  struct curl_slist *lines;
  size_t size;           /* bytes of the lines in the request */
  bool has_content_type; /* one of the lines is a Content-Type */
} http_headers;

/* Adds a copy of the NUL-terminated line `Name: value`. The value may be empty, except for Host. Returns NULL,
   or the problem. */
const char *http_headers_add(http_headers *headers, const char *line, size_t len);
/* Adds what keeps libcurl from adding headers of its own to a request with a body: "Expect" (libcurl would
   wait for a 100 before it sends a larger body) and the "Content-Type" of HTML forms. Returns NULL, or the
   problem. */
const char *http_headers_add_for_body(http_headers *headers);
/* Frees the lines, which leaves an empty list. */
void http_headers_free(http_headers *headers);

#endif
