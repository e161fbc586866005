/*
** The connections of a server. All have the same time for a request, counted from its beginning, so
** that a byte now and then keeps nobody here; so the queue of those that wait is in the order of their
** deadlines, and the first of it is who has waited longest.
**
** Who gets a place when all are taken: a connection whose whole request has arrived keeps its place until
** its response is sent, and one that has none yet keeps it for EVICTION_AGE_MS, in which a sender that means
** to send a request does so. After that, an incoming connection evicts the oldest incomplete one. Incoming
** connections that find no place stay in the kernel's queue, with what they have sent, until there is one.
** So an honest request waits and is not cut, and idle or slow connections, however many, keep places for
** EVICTION_AGE_MS only. A connection that is in use without a pause gives up its place after PLACE_MS, when
** incoming ones wait: its response says so ("Connection: close").
**
** One whose bytes wait to be read as its time is over, as after a handler that kept the loop busy, has its time
** once more.
*/
#include "connections.h"

#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define EVICTION_AGE_MS 100
#define PLACE_MS 500

long long now_ms(void) {
  struct timespec time = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

server_connection *connections_ours(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info == NULL ? NULL : info->socket_context;
}

static void leave(server_connection *one) {
  server_queue *queue = one->queue;
  if (queue == NULL) return;
  *(one->previous == NULL ? &queue->first : &one->previous->next) = one->next;
  *(one->next == NULL ? &queue->last : &one->next->previous) = one->previous;
  one->queue = NULL;
}

/* Moves a connection to the end of a queue, with all of its time before it. */
static void enter(server *self, server_connection *one, server_queue *queue) {
  if (one == NULL || one->ended) return;
  leave(one);
  one->deadline = now_ms() + (long long)self->timeout * 1000;
  one->queue = queue;
  one->next = NULL;
  one->previous = queue->last;
  *(queue->last == NULL ? &queue->first : &queue->last->next) = one;
  queue->last = one;
}

/* libmicrohttpd sees that the socket was shut down, or, where it does not watch it at the moment, that
   a second has passed: the only time limit that it knows. */
static void end(server *self, server_connection *one) {
  leave(one);
  one->ended = true;
  self->connections--;
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

/* Creates our part of a new connection. When memory is out, the connection is closed at once. */
static void start(server *self, struct MHD_Connection *connection, void **socket_context) {
  server_connection *one = calloc(1, sizeof *one);
  const int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  *socket_context = one;
  if (one == NULL) {
    (void)shutdown(fd, SHUT_RDWR);
    return;
  }
  one->connection = connection;
  one->fd = fd;
  one->since = now_ms();
  one->older = self->open;
  if (one->older != NULL) one->older->younger = one;
  self->open = one;
  set_peer(one);
  self->connections++;
  self->unclosed++;
  enter(self, one, &self->waiting);
}

void connections_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code) {
  server *self = context;
  server_connection *one = *socket_context;
  self->progressed = true;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    start(self, connection, socket_context);
    return;
  }
  if (one == NULL) return;
  leave(one);
  self->unclosed--;
  *(one->younger == NULL ? &self->open : &one->younger->older) = one->older;
  if (one->older != NULL) one->older->younger = one->younger;
  if (!one->ended) self->connections--;
  free(one);
  *socket_context = NULL;
}

void connections_wait(server *self, struct MHD_Connection *connection) {
  server_connection *one = connections_ours(connection);
  if (one != NULL) one->spared = false;
  enter(self, one, &self->waiting);
}

void connections_handle(struct MHD_Connection *connection) {
  server_connection *one = connections_ours(connection);
  if (one != NULL) leave(one);
}

void connections_answer(server *self, struct MHD_Connection *connection) {
  enter(self, connections_ours(connection), &self->answering);
}

void connections_end(server *self, struct MHD_Connection *connection) {
  server_connection *one = connections_ours(connection);
  if (one != NULL && !one->ended) end(self, one);
}

long long connections_eviction(const server *self) {
  const server_connection *oldest = self->waiting.first;
  if (oldest == NULL) return LLONG_MAX;
  return oldest->deadline - (long long)self->timeout * 1000 + EVICTION_AGE_MS;
}

bool connections_has_unread(struct MHD_Connection *connection) {
  const server_connection *one = connections_ours(connection);
  char byte;
  return one != NULL && recv(one->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Gives a connection that has sent more than was read its time once more, and only once for a request: so
   floods do not keep places, either. */
static bool spare(server *self, server_connection *one) {
  if (one->spared || !connections_has_unread(one->connection)) return false;
  one->spared = true;
  enter(self, one, &self->waiting);
  return true;
}

bool connections_evict(server *self) {
  while (connections_eviction(self) <= now_ms()) {
    server_connection *oldest = self->waiting.first;
    if (spare(self, oldest)) continue;
    end(self, oldest);
    return true;
  }
  return false;
}

bool connections_may_close(struct MHD_Connection *connection) {
  const server_connection *one = connections_ours(connection);
  return one != NULL && one->since + PLACE_MS <= now_ms();
}

/* The first of a queue if its time is over, or NULL. */
static server_connection *overdue(const server_queue *queue, long long now) {
  return queue->first != NULL && queue->first->deadline <= now ? queue->first : NULL;
}

void connections_expire(server *self) {
  const long long now = now_ms();
  server_connection *one;
  while ((one = overdue(&self->waiting, now)) != NULL)
    if (!spare(self, one)) end(self, one);
  while ((one = overdue(&self->answering, now)) != NULL) end(self, one);
}

long long connections_deadline(const server *self) {
  const server_connection *waiting = self->waiting.first, *answering = self->answering.first;
  long long deadline = LLONG_MAX;
  if (waiting != NULL) deadline = waiting->deadline;
  if (answering != NULL && answering->deadline < deadline) deadline = answering->deadline;
  return deadline;
}
