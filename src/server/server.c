/*
** An HTTP server on libmicrohttpd, driven from outside: one epoll descriptor to wait for, and
** server_run when it is readable. A complete request is suspended and waits in a queue; its answer
** resumes it. Nothing calls back.
**
** What libmicrohttpd 0.9.75 needs from its user, and gets here:
** - Its connections are edge-triggered: MHD_get_timeout says when it has work left without an event,
**   so it is asked after each run and a timerfd in the same set wakes us.
** - Its time limit starts anew with each byte. The limit for a whole request is ours: the socket of
**   a late one is shut down, which libmicrohttpd takes for the client's end.
** - It can answer before the body or after it, not within: a body that turns out too large is read
**   to its end and dropped, within bounds.
** - A suspended connection is out of its sight, and MHD_stop_daemon aborts if there is one.
** - MHD_quiesce_daemon hands back the listening socket each time it is asked.
*/
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"

#define ROUNDS 8                        /* of libmicrohttpd in one server_run */
#define FIRST_CAPACITY 4096             /* of a body's buffer */
#define MAX_DROPPED (UINT64_C(64) << 20) /* bytes of a refused body that are read */
#define PLACE_BITS 20                   /* of an id; the others count requests */

/* Milliseconds of a clock that is never set back. */
static uint64_t now_ms(void) {
  struct timespec time = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/*
** Queues. A place is in one at most.
*/

static void leave_queue(server_request *request) {
  server_queue *queue = request->queue;
  if (queue == NULL) return;
  *(request->previous != NULL ? &request->previous->next : &queue->first) = request->next;
  *(request->next != NULL ? &request->next->previous : &queue->last) = request->previous;
  request->queue = NULL;
}

static void enter_queue(server_queue *queue, server_request *request) {
  leave_queue(request);
  request->queue = queue;
  request->next = NULL;
  request->previous = queue->last;
  *(queue->last != NULL ? &queue->last->next : &queue->first) = request;
  queue->last = request;
}

/* The connection is cut if nothing that calls this again happens in time. */
static void wait_for_client(server_request *request) {
  request->deadline = now_ms() + request->owner->timeout;
  enter_queue(&request->owner->waiting, request);
}

/* Shuts down who is late. libmicrohttpd then closes the connection and tells us. */
static void cut_late(server *self, uint64_t now) {
  while (self->waiting.first != NULL && self->waiting.first->deadline <= now) {
    server_request *late = self->waiting.first;
    leave_queue(late);
    (void)shutdown(late->fd, SHUT_RDWR);
  }
}

/*
** What libmicrohttpd calls.
*/

/* The client's address as text; an IPv4 client of an IPv6 socket is shown as IPv4. */
static void name_peer(server_request *request) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
  request->peer[0] = '\0';
  if (address == NULL) return;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)address;
    (void)inet_ntop(AF_INET, &v4->sin_addr, request->peer, sizeof request->peer);
  } else if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
      (void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], request->peer, sizeof request->peer);
    else
      (void)inet_ntop(AF_INET6, &v6->sin6_addr, request->peer, sizeof request->peer);
  }
}

/* A connection has come or gone: takes or frees its place. */
static void on_connection(void *owner, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code) {
  server *self = owner;
  server_request *place = *context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    place = self->free;
    *context = place;
    if (place == NULL) return;
    self->free = place->next;
    place->connection = connection;
    place->fd = info->connect_fd;
    name_peer(place);
    wait_for_client(place);
  } else if (place != NULL) {
    *context = NULL;
    leave_queue(place);
    place->connection = NULL;
    place->next = self->free;
    self->free = place;
  }
}

/* A request's line has come: the first that is heard of it. Its target is copied as it is, before
   libmicrohttpd decodes it. */
static void *on_line(void *owner, const char *target, struct MHD_Connection *connection) {
  server *self = owner;
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  server_request *request = info != NULL ? info->socket_context : NULL;
  if (request == NULL) return NULL;
  request->state = REQUEST_ARRIVING;
  request->target = strdup(target != NULL ? target : "");
  self->active++;
  wait_for_client(request);
  return request;
}

/* The request is over, answered or not. Frees what it had. */
static void on_completed(void *owner, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code) {
  server *self = owner;
  server_request *request = *context;
  (void)connection;
  *context = NULL;
  if (request == NULL) return;
  if (request->refusal != 0 && code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
    linger_add(&self->refused, self->epoll, request->fd, now_ms());
  free(request->target);
  free(request->body);
  free(request->headers);
  request->target = NULL;
  request->body = NULL;
  request->headers = NULL;
  request->header_count = 0;
  request->length = request->capacity = 0;
  request->dropped = 0;
  request->refusal = 0;
  request->begun = false;
  request->state = REQUEST_NONE;
  self->active--;
  wait_for_client(request);
}

/* Answers a request that nobody will handle, and ends its connection. */
static enum MHD_Result refuse(server_request *request, unsigned status) {
  request->refusal = status;
  if (!server_begin_answer(request->owner, NULL, 0) ||
      !server_add_header(request->owner, "Connection", "close"))
    return MHD_NO;
  leave_queue(request);
  return server_send_answer(request, status) ? MHD_YES : MHD_NO;
}

/* What the headers say about the body. */
typedef struct {
  unsigned lengths, encodings;
  bool chunked;
  uint64_t length;
} framing;

static enum MHD_Result read_framing(void *result, enum MHD_ValueKind kind, const char *name,
                                    size_t name_len, const char *value, size_t value_len) {
  framing *found = result;
  (void)kind;
  (void)name_len;
  if (strcasecmp(name, "content-length") == 0) {
    found->lengths++;
    found->length = value != NULL ? strtoull(value, NULL, 10) : 0; /* its digits were checked */
  } else if (strcasecmp(name, "transfer-encoding") == 0) {
    found->encodings++;
    found->chunked = value_len == 7 && strcasecmp(value, "chunked") == 0;
  }
  return MHD_YES;
}

/* The headers are there. A body whose end two readers could see at two places is refused (a proxy
   in front may be the other reader), and so is one that is said to be too large. */
static enum MHD_Result begin(server_request *request, const char *method, const char *version) {
  framing found = {0, 0, false, 0};
  request->begun = true;
  request->method = method;
  request->id = (uint64_t)request->owner->sequence++ << PLACE_BITS |
                (uint64_t)(request - request->owner->places);
  (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, read_framing, &found);
  if (found.lengths + found.encodings > 1 ||
      (found.encodings == 1 && (!found.chunked || strcmp(version, MHD_HTTP_VERSION_1_1) != 0)))
    return refuse(request, MHD_HTTP_BAD_REQUEST);
  if (found.length > request->owner->max_body) return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE);
  return MHD_YES;
}

/* Makes room for `size` more bytes, of which there are at most max_body in all. */
static bool reserve(server_request *request, size_t size) {
  const size_t needed = request->length + size;
  size_t capacity = request->capacity > 0 ? request->capacity : FIRST_CAPACITY;
  char *body;
  if (needed <= request->capacity) return true;
  while (capacity < needed) capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
  if (capacity > request->owner->max_body) capacity = request->owner->max_body;
  body = realloc(request->body, capacity);
  if (body == NULL) return false;
  request->body = body;
  request->capacity = capacity;
  return true;
}

/* Keeps a piece of the body, or drops it once the request is refused. */
static enum MHD_Result receive(server_request *request, const char *data, size_t size) {
  if (request->refusal == 0) {
    if (size > request->owner->max_body - request->length)
      request->refusal = MHD_HTTP_CONTENT_TOO_LARGE;
    else if (!reserve(request, size))
      request->refusal = MHD_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (request->refusal == 0) {
    memcpy(request->body + request->length, data, size);
    request->length += size;
    return MHD_YES;
  }
  free(request->body);
  request->body = NULL;
  request->capacity = 0;
  request->dropped += size;
  return request->dropped <= MAX_DROPPED ? MHD_YES : MHD_NO;
}

static enum MHD_Result keep_header(void *result, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len) {
  server_request *request = result;
  server_header *header = &request->headers[request->header_count++];
  (void)kind;
  header->name = name;
  header->name_len = name_len;
  header->value = value != NULL ? value : "";
  header->value_len = value != NULL ? value_len : 0;
  return MHD_YES;
}

/* The request is complete: suspends it until somebody answers. Its headers stay in libmicrohttpd's
   memory meanwhile. */
static enum MHD_Result make_ready(server_request *request) {
  const int count =
      MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, NULL, NULL);
  if (count > 0) {
    request->headers = calloc((size_t)count, sizeof *request->headers);
    if (request->headers == NULL) return refuse(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, keep_header, request);
  }
  MHD_suspend_connection(request->connection);
  request->state = REQUEST_READY;
  enter_queue(&request->owner->ready, request);
  return MHD_YES;
}

/* Called with the headers, then with each piece of the body, then with its end. */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context) {
  server_request *request = *context;
  (void)owner;
  (void)connection;
  (void)url;
  if (request == NULL || request->target == NULL || request->state != REQUEST_ARRIVING)
    return MHD_NO;
  if (!request->begun) return begin(request, method, version);
  if (*size > 0) {
    const size_t got = *size;
    *size = 0;
    return receive(request, data, got);
  }
  return request->refusal != 0 ? refuse(request, request->refusal) : make_ready(request);
}

/*
** Opening and closing.
*/

static bool fail(server *self, const char *message) {
  (void)snprintf(self->error, sizeof self->error, "%s", message);
  server_close(self);
  return false;
}

static bool add_to_set(const server *self, int fd) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool make_places(server *self) {
  unsigned at;
  self->places = calloc(self->max_connections, sizeof *self->places);
  if (self->places == NULL) return false;
  for (at = self->max_connections; at-- > 0;) {
    self->places[at].owner = self;
    self->places[at].next = self->free;
    self->free = &self->places[at];
  }
  return true;
}

/* Starts libmicrohttpd on a listening socket, which is its own from then on. It closes the socket
   in most of its failures; one that it leaves open is better than one closed twice. */
static bool start_daemon(server *self, int listener) {
  const unsigned seconds = (self->timeout + 999) / 1000;
  self->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, self,
      MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_CONNECTION_LIMIT, self->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, seconds,
      MHD_OPTION_URI_LOG_CALLBACK, on_line, self, MHD_OPTION_NOTIFY_COMPLETED, on_completed, self,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, self, MHD_OPTION_END);
  return self->daemon != NULL;
}

bool server_open(server *self, const server_options *options) {
  const union MHD_DaemonInfo *info;
  int listener;
  self->open = true;
  self->process = getpid();
  self->max_body = options->max_body;
  self->timeout = options->timeout;
  self->max_connections = options->max_connections;
  self->armed = UINT64_MAX;
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->epoll < 0 || self->timer < 0 || !add_to_set(self, self->timer))
    return fail(self, strerror(errno));
  if (!make_places(self)) return fail(self, strerror(ENOMEM));
  listener = listener_open(options->host, options->port, self->error, sizeof self->error);
  if (listener < 0) {
    server_close(self);
    return false;
  }
  self->port = listener_port(listener);
  if (!start_daemon(self, listener)) return fail(self, "libmicrohttpd could not be started");
  self->accepting = true;
  info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (info == NULL || !add_to_set(self, info->epoll_fd)) return fail(self, strerror(errno));
  (void)server_run(self); /* libmicrohttpd watches its socket from its first run on */
  return true;
}

void server_stop_accepting(server *self) {
  int listener;
  if (!self->accepting) return;
  (void)server_run(self); /* who has connected already is let in */
  self->accepting = false;
  listener = MHD_quiesce_daemon(self->daemon);
  if (listener >= 0) (void)close(listener);
}

const char *server_catch_signals(server *self) {
  const char *problem = signals_open(&self->stop);
  if (problem != NULL) return problem;
  return add_to_set(self, self->stop.fd) || errno == EEXIST ? NULL : strerror(errno);
}

static void discard_answer(server *self) {
  if (self->response != NULL) MHD_destroy_response(self->response);
  self->response = NULL;
}

/* Stops libmicrohttpd. Suspended connections must be resumed first, or it aborts. */
static void stop_daemon(server *self) {
  unsigned at;
  if (self->daemon == NULL) return;
  for (at = 0; at < self->max_connections; at++) {
    const server_request *request = &self->places[at];
    if (request->state == REQUEST_READY || request->state == REQUEST_HANDLED)
      MHD_resume_connection(request->connection);
  }
  MHD_stop_daemon(self->daemon);
  self->daemon = NULL;
}

void server_close(server *self) {
  if (!self->open) return;
  self->open = self->accepting = false;
  /* In a child that was forked, all of this is the parent's: stopping would end its connections. */
  if (self->process != getpid()) return;
  discard_answer(self);
  stop_daemon(self);
  linger_close(&self->refused);
  signals_close(&self->stop);
  if (self->timer >= 0) (void)close(self->timer);
  if (self->epoll >= 0) (void)close(self->epoll);
  free(self->places);
  self->places = self->free = NULL;
  self->active = 0;
}

/*
** Running.
*/

/* Whether libmicrohttpd has something to do, and when. */
static uint64_t daemon_deadline(const server *self, uint64_t now) {
  MHD_UNSIGNED_LONG_LONG left;
  return MHD_get_timeout(self->daemon, &left) == MHD_YES ? now + left : UINT64_MAX;
}

/* Sets the timer. One that would fire too early is left: an idle turn is cheaper than a system call
   in each. */
static void arm(server *self, uint64_t now, uint64_t deadline) {
  struct itimerspec spec;
  if (self->armed > now && self->armed <= deadline) return;
  if (self->armed == deadline && deadline == UINT64_MAX) return;
  memset(&spec, 0, sizeof spec);
  if (deadline != UINT64_MAX) {
    spec.it_value.tv_sec = (time_t)(deadline / 1000);
    spec.it_value.tv_nsec = (long)(deadline % 1000) * 1000000 + 1;
  }
  (void)timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &spec, NULL);
  self->armed = deadline;
}

static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

bool server_run(server *self) {
  uint64_t now = now_ms(), deadline;
  int round = 0;
  cut_late(self, now);
  do {
    (void)MHD_run(self->daemon);
    deadline = daemon_deadline(self, now);
  } while (deadline <= now && ++round < ROUNDS);
  linger_run(&self->refused, now);
  deadline = sooner(deadline, linger_deadline(&self->refused));
  if (self->waiting.first != NULL) deadline = sooner(deadline, self->waiting.first->deadline);
  arm(self, now, deadline);
  return signals_caught(&self->stop);
}

/*
** Requests and answers.
*/

server_request *server_peek(const server *self) { return self->ready.first; }

void server_take(server_request *request) {
  leave_queue(request);
  request->state = REQUEST_HANDLED;
  free(request->body);
  request->body = NULL;
}

server_request *server_find(const server *self, uint64_t id) {
  const uint64_t at = id & ((UINT64_C(1) << PLACE_BITS) - 1);
  server_request *request;
  if (!self->open || at >= self->max_connections) return NULL;
  request = &self->places[at];
  return request->state == REQUEST_HANDLED && request->id == id ? request : NULL;
}

/* Whether every byte may stand in a header's name (RFC 9110, token). */
static bool is_token(const char *text, size_t len) {
  size_t at;
  for (at = 0; at < len; at++) {
    const char c = text[at];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
  }
  return len > 0;
}

const char *server_header_problem(const char *name, size_t name_len, const char *value,
                                  size_t value_len) {
  if (!is_token(name, name_len)) return "is no name of a header";
  if (strcasecmp(name, "content-length") == 0 || strcasecmp(name, "transfer-encoding") == 0)
    return "is set by the server";
  if (memchr(value, '\r', value_len) != NULL || memchr(value, '\n', value_len) != NULL ||
      memchr(value, '\0', value_len) != NULL)
    return "has a line break or a NUL in its value";
  return NULL;
}

bool server_begin_answer(server *self, const char *body, size_t length) {
  char nothing[1] = "";
  union {
    const char *read;
    void *copied; /* libmicrohttpd copies from it, but its parameter is not const */
  } bytes;
  bytes.read = body != NULL ? body : nothing;
  discard_answer(self);
  self->response = MHD_create_response_from_buffer(length, bytes.copied, MHD_RESPMEM_MUST_COPY);
  return self->response != NULL;
}

bool server_add_header(server *self, const char *name, const char *value) {
  return MHD_add_response_header(self->response, name, value) == MHD_YES;
}

bool server_send_answer(server_request *request, unsigned status) {
  server *self = request->owner;
  const bool suspended = request->state == REQUEST_HANDLED;
  bool sent;
  if (!self->accepting) (void)server_add_header(self, "Connection", "close");
  sent = MHD_queue_response(request->connection, status, self->response) == MHD_YES;
  discard_answer(self);
  request->state = REQUEST_ANSWERED;
  /* One that could not be answered is resumed too: on_request then ends it. */
  if (suspended) MHD_resume_connection(request->connection);
  return sent;
}
