/*
** http_header.h: the lines of headers, a request's and a response's. For http.c alone.
*/
#ifndef APIVIDEO_HTTP_HEADER_H
#define APIVIDEO_HTTP_HEADER_H

#include "http.h"

/* Appends to a buffer of a transfer. False when memory is out, which the transfer then knows; the buffer
   stays whole. */
bool http_append(http_transfer *transfer, http_buffer *buffer, const char *data, size_t len);
/* Takes a line of a response as libcurl passes it: keeps the header lines of the final response. False
   when memory is out, or when `malformed` says what is wrong with the line. */
bool http_take_line(http_transfer *transfer, const char *line, size_t len);
/* Adds what libcurl must not add by itself to a request with a body: "Expect" (it would wait for a 100
   before it sends a larger body) and a "Content-Type" of forms. NULL, or why not. */
const char *http_add_body_headers(http_transfer *transfer);

#endif
