/*
** Responses: see response.h. When there is a response, the connection is resumed, and libmicrohttpd sends the
** response when it is next run.
*/
#include "response.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"
#include "connections.h"
#include "listening.h"

/* ---- empty responses, shared by all requests ---- */

/* libmicrohttpd copies the body; its parameter only lacks the const. */
static struct MHD_Response *create(const char *body, size_t len) {
  return MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
}

static bool add_close(struct MHD_Response *response) {
  return MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
}

bool server_response_open(server *self) {
  self->empty = create("", 0);
  self->empty_close = create("", 0);
  return self->empty != NULL && self->empty_close != NULL && add_close(self->empty_close);
}

void server_response_close(server *self) {
  if (self->empty != NULL) MHD_destroy_response(self->empty);
  if (self->empty_close != NULL) MHD_destroy_response(self->empty_close);
  self->empty = self->empty_close = NULL;
}

/* ---- for request.c ---- */

enum MHD_Result server_response_reject(server *self, struct MHD_Connection *connection,
                                       unsigned status) {
  return MHD_queue_response(connection, status, self->empty_close);
}

/* Called first after the request was queued and handlers have run: a handler that responds at once costs less
   than suspending the connection. A call for a suspended connection means that it was resumed without a
   response, because the server closes. */
enum MHD_Result server_response_await(server_request *request) {
  assert(request->is_complete);
  if (request->response != NULL)
    return MHD_queue_response(request->connection, request->status, request->response);
  if (request->is_aborted || request->is_suspended) return MHD_NO;
  request->is_suspended = true;
  MHD_suspend_connection(request->connection);
  return MHD_YES;
}

void server_response_resume(server_request *request) {
  if (request->is_suspended) MHD_resume_connection(request->connection);
}

void server_response_abort(server_request *request) {
  request->awaits_response = false;
  request->is_aborted = true;
  server_response_resume(request);
}

void server_response_free(server *self, server_request *request) {
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  if (request->response != NULL && request->response != self->empty &&
      request->response != self->empty_close)
    MHD_destroy_response(request->response);
  request->draft = request->response = NULL;
}

/* ---- for the binding ---- */

bool server_draft(server_request *request, const char *body, size_t len) {
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  request->draft = NULL;
  if (len == 0) return true; /* an empty one, unless it gets headers */
  request->draft = create(body, len);
  return request->draft != NULL;
}

bool server_is_header(const char *name, size_t name_len, const char *value, size_t value_len) {
  static const char *const framing_headers[] = {MHD_HTTP_HEADER_CONTENT_LENGTH,
                                                MHD_HTTP_HEADER_TRANSFER_ENCODING};
  size_t i;
  for (i = 0; i < sizeof framing_headers / sizeof *framing_headers; i++)
    if (ascii_is_word(name, name_len, framing_headers[i])) return false;
  return http_is_token(name, name_len) && value_len > 0 && http_is_clean(value, value_len);
}

bool server_draft_header(server_request *request, const char *name, const char *value) {
  if (request->draft == NULL) request->draft = create("", 0);
  return request->draft != NULL && MHD_add_response_header(request->draft, name, value) == MHD_YES;
}

/* Whether the connection should be closed after the response. After a chunked body it must be: libmicrohttpd
   before 1.0 accepts a bare LF as the end of a line there, so that a proxy could see the next request begin at
   another byte. */
static bool is_last(const server *self, const server_request *request) {
  return self->is_stopping || request->is_chunked ||
         (server_connections_may_close(request->connection) && server_listening_is_crowded(self));
}

void server_send(server_request *request, unsigned status) {
  server *self = request->owner;
  const bool closes = is_last(self, request);
  assert(request->awaits_response && request->response == NULL);
  /* Without the header, for lack of memory, libmicrohttpd would read the next request. */
  if (closes && request->draft != NULL && !add_close(request->draft) && request->is_chunked)
    server_connections_end(self, request->connection);
  request->status = status;
  request->response = request->draft;
  if (request->response == NULL) request->response = closes ? self->empty_close : self->empty;
  request->draft = NULL;
  request->awaits_response = false;
  server_connections_send(self, request->connection);
  server_response_resume(request);
}
