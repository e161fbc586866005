/*
** http_header.h: the lines of headers, a request's and a response's. For http.c alone.
*/
#ifndef APIVIDEO_HTTP_HEADER_H
#define APIVIDEO_HTTP_HEADER_H

#include "http.h"

/* Appends to a buffer; false when memory is out. The buffer stays whole then. */
bool http_append(http_buffer *buffer, const char *data, size_t len);
/* Takes a line of a response as libcurl gives it: keeps those of the final response's headers. False
   when memory is out, or when `malformed` says what is wrong with it. */
bool http_take_line(http_transfer *transfer, const char *line, size_t len);

#endif
