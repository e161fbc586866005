/*
** Requests: see request.h. They are freed by libmicrohttpd's callbacks, which server_run, server_flush and
** server_close cause: no pointer to a request is kept across any of these.
*/
#include "request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../common/http_syntax.h"
#include "body.h"
#include "connections.h"
#include "framing.h"
#include "response.h"

static server_request **slot_of(server *self, long long id) {
  return &self->slots[(size_t)id % self->slot_count];
}

/* Creates a request when its request line has come: no other callback receives the raw request-target. NULL
   (memory is out) is handled in server_request_on_part. */
void *server_request_on_target(void *context, const char *target,
                               struct MHD_Connection *connection) {
  server *self = context;
  server_connection *one = server_connection_of(connection);
  server_request *request = one == NULL ? NULL : calloc(1, sizeof *request);
  self->has_progressed = true;
  if (request == NULL) return NULL;
  request->owner = self;
  request->peer = one->peer;
  request->target = strdup(target);
  if (request->target == NULL) {
    free(request);
    return NULL;
  }
  one->request = request;
  return request;
}

/* Gives a request the next id that has a free slot. There are as many slots as connections, and a connection
   has one request at a time. */
static void assign_id(server *self, server_request *request) {
  assert(self->active < self->slot_count);
  do { self->last_id++; } while (*slot_of(self, self->last_id) != NULL);
  request->id = self->last_id;
  *slot_of(self, request->id) = request;
  self->active++;
}

static void enqueue(server *self, server_request *request) {
  assert(request->next == NULL && *self->end == NULL);
  *self->end = request;
  self->end = &request->next;
}

/* Removes a request from the queue, if it is queued. */
static void dequeue(server *self, server_request *request) {
  server_request **link = &self->first;
  while (*link != NULL && *link != request) link = &(*link)->next;
  if (*link == NULL) return;
  *link = request->next;
  if (*link == NULL) self->end = link;
  request->next = NULL;
}

static void free_request(server *self, server_request *request) {
  if (request->id != 0) {
    assert(*slot_of(self, request->id) == request && self->active > 0);
    *slot_of(self, request->id) = NULL;
    self->active--;
    dequeue(self, request);
  }
  (void)server_call_hook(self, SERVER_EVENT_REQUEST_END, request);
  server_response_free(self, request);
  server_body_free(self, request);
  free(request->headers);
  free(request->target);
  free(request);
}

/* libmicrohttpd no longer uses the request, however it ended. */
void server_request_on_completed(void *context, struct MHD_Connection *connection, void **state,
                                 enum MHD_RequestTerminationCode code) {
  server *self = context;
  server_request *request = *state;
  (void)code;
  self->has_progressed = true;
  server_connections_receive(self, connection);
  if (request == NULL) return;
  assert(server_connection_of(connection)->request == request);
  *state = NULL;
  server_connection_of(connection)->request = NULL;
  free_request(self, request);
}

/* A connection was accepted or is closed. libmicrohttpd 0.9.75 does not always call server_request_on_completed
   before: not when it fails to respond to a header section that is too large. */
void server_request_on_connection(void *context, struct MHD_Connection *connection,
                                  void **socket_context, enum MHD_ConnectionNotificationCode code) {
  const server_connection *one = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED && one != NULL && one->request != NULL)
    free_request(context, one->request);
  server_connections_notify(context, connection, socket_context, code);
}

/* The header section has come: rejects ambiguous framing. A body that is announced as too large is read and
   discarded: closing a connection with unread bytes resets it, and the client could lose the response. */
static enum MHD_Result begin(server *self, server_request *request,
                             struct MHD_Connection *connection, const server_request_line *line) {
  const char *text =
      MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  const unsigned long long len = text == NULL ? 0 : strtoull(text, NULL, 10);
  const unsigned status = server_framing_check(connection, line, &request->is_chunked);
  request->connection = connection;
  request->method = line->method;
  if (request->is_chunked) server_body_watch_stalls(self);
  assign_id(self, request);
  if (status == SERVER_FRAMING_CLOSE) return MHD_NO;
  if (status != SERVER_FRAMING_VALID) return server_response_reject(self, connection, status);
  request->is_too_large = len > self->max_body;
  return len > self->max_body + SERVER_BODY_DISCARD_MAX
             ? server_response_reject(self, connection, MHD_HTTP_CONTENT_TOO_LARGE)
             : MHD_YES;
}

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_len, const char *value, size_t value_len) {
  server_request *request = context;
  server_header *header = &request->headers[request->header_count++];
  (void)kind;
  header->name = name;
  header->name_len = name_len;
  header->value = value == NULL ? "" : value;
  header->value_len = value == NULL ? 0 : value_len;
  /* libmicrohttpd before 1.0 leaves the whitespace after a value. */
  while (header->value_len > 0 && http_is_blank(header->value[header->value_len - 1]))
    header->value_len--;
  return MHD_YES;
}

/* Collects the headers; their strings stay libmicrohttpd's. False when memory is out. */
static bool collect_headers(server_request *request) {
  const int count = MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, NULL, NULL);
  if (count <= 0) return true;
  request->headers = calloc((size_t)count, sizeof *request->headers);
  if (request->headers == NULL) return false;
  (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_header, request);
  assert(request->header_count == (size_t)count);
  return true;
}

/* The request is complete: queues it. */
static enum MHD_Result finish(server *self, server_request *request) {
  if (request->is_too_large)
    return server_response_reject(self, request->connection, MHD_HTTP_CONTENT_TOO_LARGE);
  if (!collect_headers(request)) return MHD_NO;
  server_connections_handle(request->connection);
  request->is_complete = true;
  enqueue(self, request);
  return MHD_YES;
}

/* libmicrohttpd calls it with the header section, with each part of the body, at the end of the body, and then
   whenever it is run or the connection was resumed, until there is a response. */
enum MHD_Result server_request_on_part(void *context, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *data, size_t *len, void **state) {
  server *self = context;
  server_request *request = *state;
  self->has_progressed = true;
  if (request == NULL) return MHD_NO;
  if (request->id == 0) {
    const server_request_line line = {method, url, version, request->target};
    return begin(self, request, connection, &line);
  }
  if (*len > 0) {
    const size_t taken = *len;
    *len = 0;
    request->has_unread = false;
    return server_body_add(self, request, data, taken) ? MHD_YES : MHD_NO;
  }
  return request->is_complete ? server_response_await(request) : finish(self, request);
}

const server_request *server_first(const server *self) {
  return self->first;
}

bool server_take(server *self, long long id) {
  server_request *request = self->first;
  if (request == NULL || request->id != id) return false;
  assert(request->is_complete && !request->awaits_response && request->response == NULL);
  dequeue(self, request);
  server_body_free(self, request);
  request->awaits_response = true;
  return true;
}

server_request *server_find(server *self, long long id) {
  server_request *request;
  if (self->daemon == NULL || id <= 0) return NULL;
  request = *slot_of(self, id);
  return request != NULL && request->id == id && request->awaits_response ? request : NULL;
}

size_t server_active(const server *self) {
  return self->active;
}

void server_request_resume_all(server *self) {
  size_t i;
  for (i = 0; i < self->slot_count; i++) {
    server_request *request = self->slots[i];
    if (request != NULL && request->is_complete && request->response == NULL &&
        !request->is_aborted)
      server_response_resume(request);
  }
}
