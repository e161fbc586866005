/*
** The connections of a server.
**
** Deadlines: every request has the same time, counted from its beginning and not from its last byte (slow
** loris). So each queue is in the order of its deadlines, and the first connection of `receiving` is the
** oldest incomplete one.
**
** Admission beyond max_connections: a connection with a complete request stays until its response is sent. A
** connection without one stays for EVICTION_AGE_MS, long enough for a client that sends its request at once.
** After that, an incoming connection evicts the oldest incomplete one. Incoming connections that cannot be
** admitted stay in the kernel's queue, with the bytes that they have sent. So a legitimate request waits but
** is not cut off, while idle and slow connections, however many, hold their slots for EVICTION_AGE_MS only. A
** connection that is busy without a pause is closed after a response once it is MAY_CLOSE_AGE_MS old and
** incoming connections wait.
**
** Extension: bytes may be unread when a deadline passes or a connection is to be evicted, for example because
** a handler blocked the loop. Then the deadline is extended, once for each request, so that a flood of bytes
** does not hold a slot either.
*/
#include "connections.h"

#include <assert.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#define EVICTION_AGE_MS 100
#define MAY_CLOSE_AGE_MS 500

server_connection *server_connection_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

static void dequeue(server_connection *one) {
  server_queue *queue = one->queue;
  if (queue == NULL) return;
  *(one->previous == NULL ? &queue->first : &one->previous->next) = one->next;
  *(one->next == NULL ? &queue->last : &one->next->previous) = one->previous;
  one->queue = NULL;
}

/* Moves a connection to the end of a queue, with a new deadline. */
static void enqueue(server *self, server_connection *one, server_queue *queue) {
  if (one == NULL || one->is_ended) return;
  dequeue(one);
  one->deadline = server_now_ms() + (long long)self->timeout * 1000;
  assert(queue->last == NULL || queue->last->deadline <= one->deadline);
  one->queue = queue;
  one->next = NULL;
  one->previous = queue->last;
  *(queue->last == NULL ? &queue->first : &queue->last->next) = one;
  queue->last = one;
}

/* libmicrohttpd notices that the socket was shut down, or, while it does not poll the socket, that the
   connection's timeout has passed. One second is its shortest. */
static void end(server *self, server_connection *one) {
  assert(!one->is_ended && self->connection_count > 0);
  dequeue(one);
  one->is_ended = true;
  self->connection_count--;
  (void)shutdown(one->fd, SHUT_RDWR);
  (void)MHD_set_connection_option(one->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
}

static void set_peer(server_connection *one) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(one->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
  if (address == NULL) return;
  (void)getnameinfo(address,
                    address->sa_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                   : (socklen_t)sizeof(struct sockaddr_in),
                    one->peer, sizeof one->peer, NULL, 0, NI_NUMERICHOST);
}

/* Creates the server's part of a new connection. When memory is out, the connection is closed at once. */
static void add(server *self, struct MHD_Connection *connection, void **socket_context) {
  server_connection *one = calloc(1, sizeof *one);
  const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  *socket_context = one;
  if (one == NULL) {
    (void)shutdown(fd, SHUT_RDWR);
    return;
  }
  one->connection = connection;
  one->fd = fd;
  one->accepted_at = server_now_ms();
  one->older = self->newest;
  if (one->older != NULL) one->older->newer = one;
  self->newest = one;
  set_peer(one);
  self->connection_count++;
  self->unclosed_count++;
  enqueue(self, one, &self->receiving);
}

/* Frees the server's part of a connection that libmicrohttpd closes. */
static void drop(server *self, server_connection *one) {
  assert(self->connection_count <= self->unclosed_count && self->unclosed_count > 0);
  dequeue(one);
  self->unclosed_count--;
  *(one->newer == NULL ? &self->newest : &one->newer->older) = one->older;
  if (one->older != NULL) one->older->newer = one->newer;
  if (!one->is_ended) self->connection_count--;
  free(one);
}

void server_connections_notify(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code) {
  server *self = context;
  self->has_progressed = true;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    add(self, connection, socket_context);
  } else if (*socket_context != NULL) {
    drop(self, *socket_context);
    *socket_context = NULL;
  }
}

void server_connections_receive(server *self, struct MHD_Connection *connection) {
  server_connection *one = server_connection_of(connection);
  if (one != NULL) one->is_extended = false;
  enqueue(self, one, &self->receiving);
}

void server_connections_handle(struct MHD_Connection *connection) {
  server_connection *one = server_connection_of(connection);
  if (one != NULL) dequeue(one);
}

void server_connections_send(server *self, struct MHD_Connection *connection) {
  enqueue(self, server_connection_of(connection), &self->sending);
}

void server_connections_end(server *self, struct MHD_Connection *connection) {
  server_connection *one = server_connection_of(connection);
  if (one != NULL && !one->is_ended) end(self, one);
}

bool server_connections_has_unread(struct MHD_Connection *connection) {
  const server_connection *one = server_connection_of(connection);
  char byte;
  return one != NULL && recv(one->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool server_connections_may_close(struct MHD_Connection *connection) {
  const server_connection *one = server_connection_of(connection);
  return one != NULL && one->accepted_at + MAY_CLOSE_AGE_MS <= server_now_ms();
}

/* Extends the deadline of a connection with unread bytes; false if it has none, or was extended before. */
static bool extend(server *self, server_connection *one) {
  if (one->is_extended || !server_connections_has_unread(one->connection)) return false;
  one->is_extended = true;
  enqueue(self, one, &self->receiving);
  return true;
}

long long server_connections_eviction(const server *self) {
  const server_connection *oldest = self->receiving.first;
  if (oldest == NULL) return LLONG_MAX;
  return oldest->deadline - (long long)self->timeout * 1000 + EVICTION_AGE_MS;
}

bool server_connections_evict(server *self) {
  while (server_connections_eviction(self) <= server_now_ms()) {
    server_connection *oldest = self->receiving.first;
    if (extend(self, oldest)) continue;
    end(self, oldest);
    return true;
  }
  return false;
}

/* The first connection of a queue if its deadline has passed, or NULL. */
static server_connection *expired(const server_queue *queue, long long now) {
  return queue->first != NULL && queue->first->deadline <= now ? queue->first : NULL;
}

void server_connections_expire(server *self) {
  const long long now = server_now_ms();
  server_connection *one;
  while ((one = expired(&self->receiving, now)) != NULL)
    if (!extend(self, one)) end(self, one);
  while ((one = expired(&self->sending, now)) != NULL) end(self, one);
}

long long server_connections_deadline(const server *self) {
  const server_connection *receiving = self->receiving.first, *sending = self->sending.first;
  long long deadline = LLONG_MAX;
  if (receiving != NULL) deadline = receiving->deadline;
  if (sending != NULL && sending->deadline < deadline) deadline = sending->deadline;
  return deadline;
}
