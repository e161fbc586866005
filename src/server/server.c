/*
** An HTTP server on libmicrohttpd. One epoll descriptor stands for all that it waits for:
** libmicrohttpd's own epoll descriptor, a timer for its time limits, and signals.
*/
#include "faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BODY_FIRST_SIZE 512
/* How much of a body that is too large is read and thrown away, so that its sender can hear 413. */
#define DISCARD_MAX ((size_t)64 * 1024 * 1024)
#define RUNS_MAX 16 /* of libmicrohttpd in one server_run */

static long long now_ms(void) {
  struct timespec time = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- requests ---- */

/* Makes a request when its first line has come: the only place where libmicrohttpd tells the target
   undecoded. NULL (memory is out) is noticed in on_request. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  server_request *request = calloc(1, sizeof *request);
  (void)connection;
  if (request == NULL) return NULL;
  request->owner = context;
  request->target = strdup(target);
  if (request->target == NULL) {
    free(request);
    return NULL;
  }
  return request;
}

/* Gives a request an id whose slot is free. There are as many slots as connections, and a
   connection has one request at a time. */
static void admit(server *self, server_request *request) {
  do {
    self->last_id++;
  } while (self->slots[(size_t)self->last_id % self->slot_count] != NULL);
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

/* Frees a request when libmicrohttpd is done with it, however it ended. */
static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  server *self = context;
  server_request *request = *state;
  (void)connection;
  (void)code;
  if (request == NULL) return;
  *state = NULL;
  if (request->id != 0) {
    self->slots[(size_t)request->id % self->slot_count] = NULL;
    self->active--;
    leave_queue(self, request);
  }
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  if (request->response != NULL) MHD_destroy_response(request->response);
  free(request->headers);
  free(request->body);
  free(request->target);
  free(request);
}

/* Answers a request that no handler sees, and closes the connection after it. */
static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status) {
  enum MHD_Result result = MHD_NO;
  struct MHD_Response *response =
      MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (response == NULL) return MHD_NO;
  if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES)
    result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

/* Counts the headers that say where the body ends; 2 for an encoding that is not known. */
static enum MHD_Result count_framing(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value) {
  unsigned *count = context;
  (void)kind;
  if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) *count += 1;
  if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
    *count += value != NULL && strcasecmp(value, "chunked") == 0 ? 1 : 2;
  return MHD_YES;
}

/* The headers have come: refuses a body whose end a proxy in front of us could see at another
   place. One that is announced as too large is read all the same, and thrown away: closing a
   connection that has unread bytes resets it, and the answer would be lost. */
static enum MHD_Result begin(server *self, server_request *request,
                             struct MHD_Connection *connection, const char *method) {
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_LENGTH);
  unsigned framing = 0;
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_framing, &framing);
  request->connection = connection;
  request->method = method;
  request->deadline = now_ms() + (long long)self->timeout * 1000;
  admit(self, request);
  if (framing > 1) return refuse(connection, MHD_HTTP_BAD_REQUEST);
  if (length == NULL) return MHD_YES;
  request->too_large = strtoull(length, NULL, 10) > self->max_body;
  return strtoull(length, NULL, 10) > self->max_body + DISCARD_MAX
             ? refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE)
             : MHD_YES;
}

/* Takes a part of the body. MHD_NO closes the connection. */
static enum MHD_Result take_body(server *self, server_request *request, const char *data,
                                 size_t len) {
  if (now_ms() > request->deadline) return MHD_NO;
  if (request->too_large || len > self->max_body - request->body_len) {
    free(request->body);
    request->body = NULL;
    request->too_large = true;
    request->body_len += len;
    return request->body_len > self->max_body + DISCARD_MAX ? MHD_NO : MHD_YES;
  }
  if (len > request->body_size - request->body_len) {
    size_t size = request->body_size == 0 ? BODY_FIRST_SIZE : request->body_size;
    char *grown;
    while (size - request->body_len < len) size *= 2;
    grown = realloc(request->body, size);
    if (grown == NULL) return MHD_NO;
    request->body = grown;
    request->body_size = size;
  }
  memcpy(request->body + request->body_len, data, len);
  request->body_len += len;
  return MHD_YES;
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
  return MHD_YES;
}

/* Collects the headers, which stay libmicrohttpd's; false when memory is out. */
static bool collect_headers(server_request *request) {
  const int count =
      MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, NULL, NULL);
  if (count <= 0) return true;
  request->headers = calloc((size_t)count, sizeof *request->headers);
  if (request->headers == NULL) return false;
  (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_header, request);
  return true;
}

static void set_peer(server_request *request) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
  if (address == NULL) return;
  (void)getnameinfo(address,
                    address->sa_family == AF_INET6 ? (socklen_t)sizeof(struct sockaddr_in6)
                                                   : (socklen_t)sizeof(struct sockaddr_in),
                    request->peer, sizeof request->peer, NULL, 0, NI_NUMERICHOST);
}

/* The whole request is there: suspends its connection and queues it. */
static enum MHD_Result finish(server *self, server_request *request) {
  if (request->too_large) return refuse(request->connection, MHD_HTTP_CONTENT_TOO_LARGE);
  if (!collect_headers(request)) return MHD_NO;
  set_peer(request);
  MHD_suspend_connection(request->connection);
  request->suspended = true;
  *self->ready_end = request;
  self->ready_end = &request->next;
  return MHD_YES;
}

/* libmicrohttpd's handler: called with the headers, with each part of the body, at its end, and
   once more when the connection was resumed. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state) {
  server *self = context;
  server_request *request = *state;
  (void)url;
  (void)version;
  if (request == NULL) return MHD_NO;
  if (request->id == 0) return begin(self, request, connection, method);
  if (*len > 0) {
    const size_t taken = *len;
    *len = 0;
    return take_body(self, request, data, taken);
  }
  if (request->response != NULL)
    return MHD_queue_response(connection, request->status, request->response);
  if (request->suspended) return MHD_NO; /* resumed because it was cut, or the server closes */
  return finish(self, request);
}

void server_take(server *self) {
  if (self->ready != NULL) leave_queue(self, self->ready);
}

/* Whether its connection is suspended until somebody answers. */
static bool is_waiting(const server_request *request) {
  return request->suspended && request->response == NULL && !request->cut;
}

server_request *server_find(server *self, long long id) {
  server_request *request;
  if (self->daemon == NULL || id <= 0) return NULL;
  request = self->slots[(size_t)id % self->slot_count];
  if (request == NULL || request->id != id) return NULL;
  return is_waiting(request) ? request : NULL;
}

bool server_draft(server_request *request, const char *body, size_t len) {
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  /* libmicrohttpd copies the body; its parameter only lacks the const. */
  request->draft =
      MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  return request->draft != NULL;
}

bool server_draft_header(server_request *request, const char *name, const char *value) {
  return MHD_add_response_header(request->draft, name, value) == MHD_YES;
}

void server_send(server_request *request, unsigned status) {
  if (request->owner->quiesced)
    (void)MHD_add_response_header(request->draft, MHD_HTTP_HEADER_CONNECTION, "close");
  request->status = status;
  request->response = request->draft;
  request->draft = NULL;
  MHD_resume_connection(request->connection);
}

/* ---- the server ---- */

static bool fail(server *self, const char *what, const char *why) {
  (void)snprintf(self->error, sizeof self->error, "%s: %s", what, why);
  return false;
}

/* Binds one address; the socket, or -1 with errno. */
static int bind_address(const struct addrinfo *address) {
  const int on = 1;
  const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  {
    const int problem = errno;
    (void)close(fd);
    errno = problem;
  }
  return -1;
}

/* Reads the address and the port that a socket got. */
static void read_address(server *self, int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char port[16] = "0";
  if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) return;
  (void)getnameinfo((struct sockaddr *)&address, len, self->host, sizeof self->host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  self->port = (unsigned)strtoul(port, NULL, 10);
}

/* Opens the listening socket; -1 with a message in `error`. */
static int open_socket(server *self, const server_options *options) {
  /* A bare system has nobody who knows "localhost". */
  const char *const host = strcmp(options->host, "localhost") == 0 ? "127.0.0.1" : options->host;
  struct addrinfo hints, *addresses = NULL;
  char port[16], where[100];
  int fd, code;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  (void)snprintf(port, sizeof port, "%u", options->port);
  (void)snprintf(where, sizeof where, "cannot listen on %.60s port %s", options->host, port);
  code = getaddrinfo(host, port, &hints, &addresses);
  if (code != 0) {
    (void)fail(self, where, gai_strerror(code));
    return -1;
  }
  fd = bind_address(addresses);
  if (fd < 0) (void)fail(self, where, strerror(errno));
  freeaddrinfo(addresses);
  if (fd >= 0) read_address(self, fd);
  return fd;
}

/* Adds a descriptor to the server's epoll set. */
static bool wait_for(server *self, int fd) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Starts libmicrohttpd on a socket, which is its own from then on. */
static bool start_daemon(server *self, const server_options *options, int fd) {
  const union MHD_DaemonInfo *info;
  self->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, faults_accept, self, on_request, self,
      MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, self,
      MHD_OPTION_URI_LOG_CALLBACK, on_target, self, MHD_OPTION_CONNECTION_LIMIT,
      options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, options->timeout,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
  if (self->daemon == NULL) {
    (void)close(fd);
    return fail(self, "libmicrohttpd could not be started", strerror(errno));
  }
  info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (info == NULL || !wait_for(self, info->epoll_fd))
    return fail(self, "cannot wait for connections", strerror(errno));
  return true;
}

bool server_open(server *self, const server_options *options) {
  int fd;
  self->epoll = self->timer = -1;
  self->ready_end = &self->ready;
  self->max_body = options->max_body;
  self->timeout = options->timeout;
  self->slot_count = options->max_connections;
  self->slots = calloc(self->slot_count, sizeof *self->slots);
  if (self->slots == NULL) return fail(self, "cannot start", "out of memory");
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->epoll < 0 || self->timer < 0 || !wait_for(self, self->timer))
    return fail(self, "cannot start", strerror(errno));
  fd = open_socket(self, options);
  return fd >= 0 && start_daemon(self, options, fd);
}

bool server_catch_signals(server *self) {
  const char *problem = signals_open(&self->signals);
  if (problem != NULL) return fail(self, "cannot catch signals", problem);
  if (wait_for(self, self->signals.fd)) return true;
  signals_close(&self->signals);
  return fail(self, "cannot catch signals", strerror(errno));
}

/* Sets the timer to when libmicrohttpd next has something to do without an event. Time limits only
   move away, so a timer that is set is early enough for them; but work that is left over from this
   run (its sockets are edge-triggered, no event will come for it) must not wait that long. */
static void arm_timer(server *self) {
  struct itimerspec when;
  MHD_UNSIGNED_LONG_LONG ms = 0;
  if (MHD_get_timeout(self->daemon, &ms) != MHD_YES || (self->timer_armed && ms > 0)) return;
  if (ms == 0) ms = 1;
  memset(&when, 0, sizeof when);
  when.it_value.tv_sec = (time_t)(ms / 1000);
  when.it_value.tv_nsec = (long)(ms % 1000) * 1000000;
  self->timer_armed = timerfd_settime(self->timer, 0, &when, NULL) == 0;
}

/* Whether there are as many connections as there may be: then libmicrohttpd accepts no more. */
static bool is_full(const server *self) {
  const union MHD_DaemonInfo *info =
      MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
  return info != NULL && info->num_connections >= self->slot_count;
}

static bool has_work(const server *self) {
  MHD_UNSIGNED_LONG_LONG ms;
  return MHD_get_timeout(self->daemon, &ms) == MHD_YES && ms == 0;
}

bool server_run(server *self) {
  unsigned long long expirations;
  bool was_full;
  int runs = 0;
  if (self->daemon == NULL) return false;
  if (self->timer_armed &&
      read(self->timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
    self->timer_armed = false;
  faults_watch(self);
  /* A run that makes room for a connection leaves it to the next one to accept it. */
  do {
    was_full = is_full(self);
    (void)MHD_run(self->daemon);
  } while (++runs < RUNS_MAX && (has_work(self) || (was_full && !is_full(self))));
  arm_timer(self);
  return signals_caught(&self->signals);
}

void server_stop_accepting(server *self) {
  MHD_socket fd;
  /* Asked again, libmicrohttpd names the same descriptor, which may be somebody else's by then. */
  if (self->daemon == NULL || self->quiesced) return;
  self->quiesced = true;
  fd = MHD_quiesce_daemon(self->daemon);
  if (fd != MHD_INVALID_SOCKET) (void)close(fd);
  faults_release(self);
}

static void close_fd(int *fd) {
  if (*fd >= 0) (void)close(*fd);
  *fd = -1;
}

void server_close(server *self) {
  size_t i;
  if (self->slots == NULL) return; /* never opened, or closed */
  if (self->daemon != NULL) {
    /* libmicrohttpd aborts the process when a connection is suspended as it stops. */
    for (i = 0; i < self->slot_count; i++) {
      const server_request *request = self->slots[i];
      if (request != NULL && is_waiting(request)) MHD_resume_connection(request->connection);
    }
    faults_release(self);
    MHD_stop_daemon(self->daemon);
    self->daemon = NULL;
  }
  signals_close(&self->signals);
  close_fd(&self->timer);
  close_fd(&self->epoll);
  free(self->slots);
  self->slots = NULL;
}
