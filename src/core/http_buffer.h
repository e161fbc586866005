/*
** http_buffer.h: bytes that are appended to.
**
** Invariants: len <= size; `data` is NULL exactly while `size` is 0. A zeroed buffer is empty.
*/
#ifndef APIVIDEO_HTTP_BUFFER_H
#define APIVIDEO_HTTP_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct http_buffer {
  char *data;
  size_t len;  /* bytes in use */
  size_t size; /* bytes allocated */
} http_buffer;

/* Appends a copy of `len` bytes. Returns false when memory is exhausted; the buffer is then unchanged. */
bool http_buffer_append(http_buffer *buffer, const char *data, size_t len);
/* Frees the bytes, which leaves an empty buffer. */
void http_buffer_free(http_buffer *buffer);

#endif
