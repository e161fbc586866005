/*
** Requests: see request.h. What a request points to is freed by libmicrohttpd's callbacks, which come
** from server_run, from a response that is sent, and as the server closes: no pointer to a request is
** kept across any of these.
*/
#include "request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"
#include "body.h"
#include "connections.h"
#include "faults.h"
#include "framing.h"
#include "listening.h"

/* Makes a request when its first line has come: the only place where libmicrohttpd tells the target
   undecoded. NULL (memory is out) is noticed in request_on_part. */
void *request_on_target(void *context, const char *target, struct MHD_Connection *connection) {
  server *self = context;
  server_connection *one = connections_ours(connection);
  server_request *request = one == NULL ? NULL : calloc(1, sizeof *request);
  self->progressed = true;
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

/* Gives a request an id whose slot is free. There are as many slots as connections, and a
   connection has one request at a time. */
static void admit(server *self, server_request *request) {
  do { self->last_id++; } while (self->slots[(size_t)self->last_id % self->slot_count] != NULL);
  request->id = self->last_id;
  self->slots[(size_t)request->id % self->slot_count] = request;
  self->active++;
}

static void leave_queue(server *self, server_request *request) {
  server_request **link = &self->ready;
  while (*link != NULL && *link != request) link = &(*link)->next;
  if (*link == NULL) return;
  *link = request->next;
  if (*link == NULL) self->ready_end = link;
}

static void free_request(server *self, server_request *request) {
  if (request->id != 0) {
    self->slots[(size_t)request->id % self->slot_count] = NULL;
    self->active--;
    leave_queue(self, request);
  }
  if (request->held) faults_forget(self, request);
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  if (request->response != NULL && request->response != self->empty)
    MHD_destroy_response(request->response);
  body_free(self, request);
  free(request->headers);
  free(request->target);
  free(request);
}

/* Frees a request when libmicrohttpd is done with it, however it ended. */
void request_on_completed(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code) {
  server *self = context;
  server_request *request = *state;
  (void)code;
  self->progressed = true;
  connections_wait(self, connection);
  if (request == NULL) return;
  *state = NULL;
  connections_ours(connection)->request = NULL;
  free_request(self, request);
}

/* A connection has begun, or has ended. libmicrohttpd 0.9.75 does not always call request_on_completed before:
   not where it fails to answer that a head is too large. */
void request_on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                           enum MHD_ConnectionNotificationCode code) {
  const server_connection *one = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED && one != NULL && one->request != NULL)
    free_request(context, one->request);
  connections_notify(context, connection, socket_context, code);
}

/* Answers a request that no handler sees, and closes the connection after it. */
static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status) {
  enum MHD_Result result = MHD_NO;
  struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (response == NULL) return MHD_NO;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES)
    result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

/* The headers have come: rejects ambiguous framing. A body that is announced as too large is read and
   discarded: closing a connection that has unread bytes resets it, and the response would be lost. */
static enum MHD_Result begin(server *self, server_request *request,
                             struct MHD_Connection *connection, const request_line *line) {
  const char *length =
      MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  const framing found = framing_read(connection);
  unsigned status;
  request->connection = connection;
  request->method = line->method;
  request->chunked = found.chunked;
  if (found.chunked && self->stalled_at == 0) self->stalled_at = now_ms() + STALLED_MS;
  admit(self, request);
  status = raw_head_check(connection, line);
  if (status == RAW_HEAD_CLOSE) return MHD_NO;
  if (status == RAW_HEAD_CLEAN) status = framing_check(&found, line);
  if (status != 0) return refuse(connection, status);
  if (length == NULL) return MHD_YES;
  request->too_large = strtoull(length, NULL, 10) > self->max_body;
  return strtoull(length, NULL, 10) > self->max_body + DISCARD_MAX
             ? refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE)
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
  /* libmicrohttpd before 1.0 leaves the white space after a value. */
  while (header->value_len > 0 && strchr(" \t", header->value[header->value_len - 1]) != NULL)
    header->value_len--;
  return MHD_YES;
}

/* Collects the headers, which stay libmicrohttpd's; false when memory is out. */
static bool collect_headers(server_request *request) {
  const int count = MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, NULL, NULL);
  if (count <= 0) return true;
  request->headers = calloc((size_t)count, sizeof *request->headers);
  if (request->headers == NULL) return false;
  (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_header, request);
  return true;
}

/* The whole request is there: queues it. */
static enum MHD_Result finish(server *self, server_request *request) {
  if (request->too_large) return refuse(request->connection, MHD_HTTP_CONTENT_TOO_LARGE);
  if (!collect_headers(request)) return MHD_NO;
  connections_handle(request->connection);
  request->complete = true;
  *self->ready_end = request;
  self->ready_end = &request->next;
  return MHD_YES;
}

/* A request has no answer yet. The first time, it has to wait longer than others: suspends its
   connection, which costs more than a handler that answers at once. */
static enum MHD_Result wait_on(server_request *request) {
  const bool over = request->cut && !request->held;
  if (over || request->suspended) return MHD_NO; /* it was cut, or the server closes */
  request->suspended = true;
  MHD_suspend_connection(request->connection);
  return MHD_YES;
}

/* libmicrohttpd's handler: called with the headers, with each part of the body, at its end, and
   whenever it is run or the connection was resumed, until there is an answer. */
enum MHD_Result request_on_part(void *context, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *data,
                                size_t *len, void **state) {
  server *self = context;
  server_request *request = *state;
  self->progressed = true;
  if (request == NULL) return MHD_NO;
  if (request->id == 0) {
    const request_line line = {method, url, version, request->target};
    return begin(self, request, connection, &line);
  }
  if (*len > 0) {
    const size_t taken = *len;
    *len = 0;
    request->stalled = false;
    return body_add(self, request, data, taken) ? MHD_YES : MHD_NO;
  }
  if (request->response != NULL)
    return MHD_queue_response(connection, request->status, request->response);
  return request->complete ? wait_on(request) : finish(self, request);
}

void server_take(server *self) {
  server_request *request = self->ready;
  if (request == NULL) return;
  leave_queue(self, request);
  body_free(self, request);
  request->taken = true;
}

bool request_is_waiting(const server_request *request) {
  return request->complete && request->response == NULL && !request->cut;
}

server_request *server_find(server *self, long long id) {
  server_request *request;
  if (self->daemon == NULL || id <= 0) return NULL;
  request = self->slots[(size_t)id % self->slot_count];
  if (request == NULL || request->id != id || !request->taken) return NULL;
  return request_is_waiting(request) ? request : NULL;
}

/* ---- the response ---- */

/* Creates the response, whose draft is NULL; false when memory is out. */
static bool make_draft(server_request *request, const char *body, size_t len) {
  /* libmicrohttpd copies the body; its parameter only lacks the const. */
  request->draft =
      MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  return request->draft != NULL;
}

bool server_draft(server_request *request, const char *body, size_t len) {
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  request->draft = NULL;
  return len == 0 || make_draft(request, body, len);
}

bool server_is_header(const char *name, size_t name_len, const char *value, size_t value_len) {
  static const char *const framing_headers[] = {MHD_HTTP_HEADER_CONTENT_LENGTH,
                                                MHD_HTTP_HEADER_TRANSFER_ENCODING};
  size_t i;
  for (i = 0; i < sizeof framing_headers / sizeof *framing_headers; i++)
    if (ascii_equal(name, name_len, framing_headers[i], strlen(framing_headers[i]))) return false;
  return http_is_token(name, name_len) && value_len > 0 && http_is_clean(value, value_len);
}

bool server_draft_header(server_request *request, const char *name, const char *value) {
  if (request->draft == NULL && !make_draft(request, "", 0)) return false;
  return MHD_add_response_header(request->draft, name, value) == MHD_YES;
}

void server_go_on(server_request *request) {
  if (request->suspended) MHD_resume_connection(request->connection);
}

/* Whether the connection ends after the response. After a chunked body it always does: libmicrohttpd before
   1.0 takes a bare LF for the end of a line there, so that a proxy could see the next request begin at
   another place. */
static bool is_last(const server *self, const server_request *request) {
  return self->quiesced || request->chunked ||
         (connections_may_close(request->connection) && listening_is_crowded(self));
}

void server_send(server_request *request, unsigned status) {
  server *self = request->owner;
  if (is_last(self, request) &&
      !server_draft_header(request, MHD_HTTP_HEADER_CONNECTION, "close") && request->chunked)
    connections_end(self, request->connection);
  request->status = status;
  request->response = request->draft != NULL ? request->draft : self->empty;
  request->draft = NULL;
  connections_answer(self, request->connection);
  server_go_on(request);
  server_flush(self); /* may free the request */
}
