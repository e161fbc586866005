/*
** Copies of requests, each in one block of memory: the binding must not keep a pointer into a request across a
** call that may run the collector.
*/
#include <assert.h>
#include <string.h>

#include "server_internal.h"

/* The size of a string with its NUL. */
static size_t size_of(const char *text) {
  return strlen(text) + 1;
}

size_t server_copy_size(const server_request *request) {
  size_t size = sizeof(server_copy) + request->header_count * sizeof(server_header);
  size_t i;
  for (i = 0; i < request->header_count; i++)
    size += request->headers[i].name_len + request->headers[i].value_len;
  return size + size_of(request->method) + size_of(request->target) + size_of(request->peer) +
         request->body_len;
}

/* Appends bytes at `*end`, the end of a copy; returns their address there. */
static const char *append(char **end, const char *bytes, size_t len) {
  char *const start = *end;
  if (len > 0) memcpy(start, bytes, len);
  *end += len;
  return start;
}

void server_copy_into(server_copy *copy, const server_request *request) {
  server_header *headers = (server_header *)(copy + 1);
  char *end = (char *)(headers + request->header_count);
  size_t i;
  copy->id = request->id;
  copy->header_count = request->header_count;
  copy->headers = headers;
  for (i = 0; i < request->header_count; i++) {
    const server_header *from = &request->headers[i];
    headers[i].name = append(&end, from->name, from->name_len);
    headers[i].name_len = from->name_len;
    headers[i].value = append(&end, from->value, from->value_len);
    headers[i].value_len = from->value_len;
  }
  copy->method = append(&end, request->method, size_of(request->method));
  copy->target = append(&end, request->target, size_of(request->target));
  copy->peer = append(&end, request->peer, size_of(request->peer));
  copy->body = append(&end, request->body, request->body_len);
  copy->body_len = request->body_len;
  assert(end == (char *)copy + server_copy_size(request));
}
