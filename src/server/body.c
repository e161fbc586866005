/*
** The bodies of requests. Each is limited to max_body, and those that were not taken yet are limited together:
** else thousands of connections with unfinished bodies could need gigabytes.
*/
#include "body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "connections.h"

#define FIRST_SIZE 512
#define SHARED_MAX ((size_t)64 * 1024 * 1024) /* for all bodies together, beside one of max_body */
#define STALL_CHECK_MS 250

void server_body_free(server *self, server_request *request) {
  assert(self->body_memory >= request->body_size);
  free(request->body);
  request->body = NULL;
  self->body_memory -= request->body_size;
  request->body_size = request->body_len = 0;
}

/* The request with the largest unfinished body, the oldest if there are several; or NULL. */
static server_request *largest(const server *self) {
  server_request *found = NULL;
  size_t i;
  for (i = 0; i < self->slot_count; i++) {
    server_request *each = self->slots[i];
    if (each == NULL || each->is_complete || each->body_size == 0) continue;
    if (found == NULL || each->body_size > found->body_size ||
        (each->body_size == found->body_size && each->id < found->id))
      found = each;
  }
  return found;
}

/* Makes room for more memory by ending the requests with the largest unfinished bodies, so that small bodies
   are received. False when the request itself would be ended, or only complete requests are left. */
static bool make_room(server *self, const server_request *request, size_t more) {
  while (self->body_memory + more > self->max_body + SHARED_MAX) {
    server_request *victim = largest(self);
    if (victim == NULL || victim == request) return false;
    server_body_free(self, victim);
    victim->is_too_large = true;
    server_connections_end(self, victim->connection);
  }
  return true;
}

/* Allocates memory for this many more bytes. */
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

bool server_body_add(server *self, server_request *request, const char *data, size_t len) {
  if (request->is_too_large || len > self->max_body - request->body_len) {
    const size_t discarded = request->body_len + len;
    server_body_free(self, request);
    request->is_too_large = true;
    request->body_len = discarded;
    return discarded <= self->max_body + SERVER_BODY_DISCARD_MAX;
  }
  if (len > request->body_size - request->body_len && !grow(self, request, len)) return false;
  assert(request->body_len + len <= request->body_size && request->body_size <= self->max_body);
  memcpy(request->body + request->body_len, data, len);
  request->body_len += len;
  return true;
}

void server_body_watch_stalls(server *self) {
  if (self->stall_check_at == 0) self->stall_check_at = server_now_ms() + STALL_CHECK_MS;
}

/* A request is stalled when libmicrohttpd's memory for it is full before the line with a chunk's size is
   complete. libmicrohttpd 0.9.75 then asks to be run at once, without end, and 1.0.1 forgets the connection;
   neither reads from it again. In all other cases, bytes that are unread at one check are read before the
   next one. */
void server_body_end_stalled(server *self) {
  size_t i;
  if (self->stall_check_at == 0 || self->stall_check_at > server_now_ms()) return;
  self->stall_check_at = 0;
  for (i = 0; i < self->slot_count; i++) {
    server_request *request = self->slots[i];
    bool had_unread;
    if (request == NULL || !request->is_chunked || request->is_complete) continue;
    server_body_watch_stalls(self);
    had_unread = request->has_unread;
    request->has_unread = server_connections_has_unread(request->connection);
    if (had_unread && request->has_unread) server_connections_end(self, request->connection);
  }
}
