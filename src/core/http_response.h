/*
** http_response.h: the response that a transfer receives. Parses the header lines, checks the message framing,
** and stores headers and body up to their caps.
**
** A peer and a proxy that disagree with this client about the end of a response could pass the rest off as the
** next response. So text that other implementations parse differently is rejected, whatever libcurl's versions
** accept.
*/
#ifndef APIVIDEO_HTTP_RESPONSE_H
#define APIVIDEO_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/compat_curl.h"
#include "http_buffer.h"

/* The kind of a header line, which decides whether a folded line may continue it. */
typedef enum http_line {
  HTTP_LINE_NONE,    /* the status line */
  HTTP_LINE_SKIPPED, /* it has no name */
  HTTP_LINE_FRAMING, /* Content-Length or Transfer-Encoding */
  HTTP_LINE_KEPT     /* any other */
} http_line;

/* A zeroed one has received nothing; the caller sets the caps. */
typedef struct http_response {
  size_t max_body, max_header; /* caps, in bytes */
  bool may_be_http2; /* over TLS; libcurl < 7.77 reuses such a connection even for HTTP/1.1 only */
  http_buffer body;
  http_buffer header;  /* the header lines of the final response, each with its LF */
  int header_lines;    /* the number of these */
  size_t header_total; /* bytes of all header lines, including 1xx responses and trailers */
  int line_status;     /* the status in the last status line, including a proxy's and a 1xx's */
  http_line last_line; /* the last header line */
  bool in_header;      /* between a status line and the empty line */
  bool has_header; /* the headers of the final response are complete: only trailers may follow */
  bool chunked;    /* has a Transfer-Encoding */
  char content_len[20];  /* Content-Length, or "" */
  const char *too_large; /* the cap that stopped the transfer, or NULL */
  const char *malformed; /* what is wrong with the headers, which stopped the transfer, or NULL */
  bool out_of_memory;    /* an allocation failed, which stopped the transfer */
} http_response;

/* Both return false when the transfer must stop; exactly one of too_large, malformed and out_of_memory then
   says why. `easy` is the handle that receives the response. */

/* Stores a part of the body. */
bool http_response_add_body(http_response *response, const char *data, size_t len);
/* Stores a line as libcurl passes it: a status line, a header line or the empty line. */
bool http_response_add_line(http_response *response, CURL *easy, const char *line, size_t len);
/* Frees body and headers; the fields that describe the end stay. */
void http_response_free(http_response *response);

#endif
