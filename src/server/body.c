/*
** The bodies of requests. Each is bounded, and all that were not taken yet are together: many that are
** never finished could be as many gigabytes as there are thousands of connections.
*/
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "connections.h"

#define FIRST_SIZE 512
/* For all bodies, beside one of the greatest size. */
#define TOGETHER_MAX ((size_t)64 * 1024 * 1024)

void body_free(server *self, server_request *request) {
  free(request->body);
  request->body = NULL;
  self->body_memory -= request->body_size;
  request->body_size = request->body_len = 0;
}

/* The largest of the unfinished bodies; of several, the one that began first. */
static server_request *largest(const server *self) {
  server_request *found = NULL;
  size_t i;
  for (i = 0; i < self->slot_count; i++) {
    server_request *each = self->slots[i];
    if (each == NULL || each->complete || each->body_size == 0) continue;
    if (found == NULL || each->body_size > found->body_size ||
        (each->body_size == found->body_size && each->id < found->id))
      found = each;
  }
  return found;
}

/* Makes room for more memory by ending the requests with the largest unfinished bodies, so that small
   ones pass. False when that would be the request itself, or when only finished ones are left. */
static bool make_room(server *self, const server_request *request, size_t more) {
  while (self->body_memory + more > self->max_body + TOGETHER_MAX) {
    server_request *victim = largest(self);
    if (victim == NULL || victim == request) return false;
    body_free(self, victim);
    victim->too_large = true;
    connections_end(self, victim->connection);
  }
  return true;
}

/* Has the memory hold so many more bytes. */
static bool grow(server *self, server_request *request, size_t len) {
  size_t size = request->body_size == 0 ? FIRST_SIZE : request->body_size;
  char *grown;
  while (size - request->body_len < len) size *= 2;
  if (size > self->max_body) size = self->max_body;
  if (!make_room(self, request, size - request->body_size)) return false;
  grown = realloc(request->body, size);
  if (grown == NULL) return false;
  self->body_memory += size - request->body_size;
  request->body = grown;
  request->body_size = size;
  return true;
}

bool body_add(server *self, server_request *request, const char *data, size_t len) {
  if (request->too_large || len > self->max_body - request->body_len) {
    const size_t discarded = request->body_len + len;
    body_free(self, request);
    request->too_large = true;
    request->body_len = discarded;
    return discarded <= self->max_body + DISCARD_MAX;
  }
  if (len > request->body_size - request->body_len && !grow(self, request, len)) return false;
  memcpy(request->body + request->body_len, data, len);
  request->body_len += len;
  return true;
}
