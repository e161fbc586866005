/*
** Bytes that are appended to: see http_buffer.h.
*/
#include "http_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

bool http_buffer_append(http_buffer *buffer, const char *data, size_t len) {
  assert(buffer->len <= buffer->size && (buffer->data == NULL) == (buffer->size == 0));
  if (len > buffer->size - buffer->len) {
    size_t size = buffer->size == 0 ? FIRST_SIZE : buffer->size;
    char *grown;
    while (size - buffer->len < len) size *= 2;
    grown = realloc(buffer->data, size);
    if (grown == NULL) return false;
    buffer->data = grown;
    buffer->size = size;
  }
  if (len > 0) memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return true;
}

void http_buffer_free(http_buffer *buffer) {
  free(buffer->data);
  memset(buffer, 0, sizeof *buffer);
}
