/*
** An HTTP server on libmicrohttpd. One epoll descriptor stands for all that it waits for: newcomers,
** libmicrohttpd's own epoll descriptor, a timer for time limits, and signals.
*/
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../common/http_syntax.h"
#include "body.h"
#include "connections.h"
#include "faults.h"
#include "listening.h"

#define CONNECTION_MEMORY ((size_t)16 * 1024) /* for the head of a request, and that of its answer */
#define RUNS_MAX 16       /* of libmicrohttpd in one server_run */
#define IDLE_RUNS_MAX 4   /* of them one after another, in which nothing is done that we see */
#define IDLE_CALLS_MAX 32 /* of server_run that end so, as a long head may need, before that is a spin */
#define SPIN_MS 64        /* between two calls then */
#define STALLED_MS 250    /* how long a chunk may take to begin while nothing is done */
#define UNSENT_MS 5       /* how long an answer may wait for others to be sent together */

/* ---- requests ---- */

/* Makes a request when its first line has come: the only place where libmicrohttpd tells the target
   undecoded. NULL (memory is out) is noticed in on_request. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
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
static void on_completed(void *context, struct MHD_Connection *connection, void **state,
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

/* A connection has begun, or has ended. libmicrohttpd 0.9.75 does not always call on_completed before:
   not where it fails to answer that a head is too large. */
static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
  const server_connection *one = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED && one != NULL && one->request != NULL)
    free_request(context, one->request);
  connections_notify(context, connection, socket_context, code);
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

static bool is_target(const char *text) {
  const size_t len = strlen(text);
  return len > 0 && strpbrk(text, " \t") == NULL && http_is_clean(text, len);
}

/* What the headers say of where the request ends. */
typedef struct {
  unsigned count, hosts; /* headers that say it, and that say whom the request is for */
  bool chunked, unclear;
} framing;

/* Whether a header's name is another's, or (`longer`) begins with it and goes on. */
static bool is_named(const char *name, size_t len, const char *other, bool longer) {
  const size_t other_len = strlen(other);
  return (longer ? len > other_len : len == other_len) && strncasecmp(name, other, other_len) == 0;
}

static enum MHD_Result read_framing(void *context, enum MHD_ValueKind kind, const char *name,
                                    size_t len, const char *value, size_t value_len) {
  framing *found = context;
  (void)kind;
  if (is_named(name, len, MHD_HTTP_HEADER_HOST, false)) found->hosts++;
  if (is_named(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH, false)) found->count++;
  if (is_named(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING, false)) {
    found->count++;
    found->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    found->unclear = found->unclear || !found->chunked;
  }
  /* libmicrohttpd takes spaces for a part of a name, and a line that goes on in the next one, too. */
  if (!http_is_token(name, len) || (value != NULL && !http_is_clean(value, value_len)) ||
      is_named(name, len, MHD_HTTP_HEADER_CONTENT_LENGTH, true) ||
      is_named(name, len, MHD_HTTP_HEADER_TRANSFER_ENCODING, true))
    found->unclear = true;
  return MHD_YES;
}

/* The headers have come: refuses a body whose end a proxy in front of us could see at another
   place. One that is announced as too large is read all the same, and thrown away: closing a
   connection that has unread bytes resets it, and the answer would be lost. */
static enum MHD_Result begin(server *self, server_request *request,
                             struct MHD_Connection *connection, const char *method) {
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_LENGTH);
  framing found = {0, 0, false, false};
  (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_framing, &found);
  request->connection = connection;
  request->method = method;
  request->chunked = found.chunked;
  request->progressed = now_ms();
  admit(self, request);
  if (found.count > 1 || found.hosts > 1 || found.unclear || !http_is_token(method, strlen(method)) ||
      !is_target(request->target))
    return refuse(connection, MHD_HTTP_BAD_REQUEST);
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
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **state) {
  server *self = context;
  server_request *request = *state;
  (void)url;
  (void)version;
  self->progressed = true;
  if (request == NULL) return MHD_NO;
  if (request->id == 0) return begin(self, request, connection, method);
  if (*len > 0) {
    const size_t taken = *len;
    *len = 0;
    request->progressed = now_ms();
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
}

/* Whether it is there, and nobody has answered. */
static bool is_waiting(const server_request *request) {
  return request->complete && request->response == NULL && !request->cut;
}

server_request *server_find(server *self, long long id) {
  server_request *request;
  if (self->daemon == NULL || id <= 0) return NULL;
  request = self->slots[(size_t)id % self->slot_count];
  if (request == NULL || request->id != id) return NULL;
  return is_waiting(request) ? request : NULL;
}

/* Makes the answer, whose draft is NULL; false when memory is out. */
static bool make_draft(server_request *request, const char *body, size_t len) {
  /* libmicrohttpd copies the body; its parameter only lacks the const. */
  request->draft =
      MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  return request->draft != NULL;
}

/* Has libmicrohttpd do what there is to do: read, ask for answers, and send them. */
static void run_daemon(server *self) {
  self->unsent_since = 0;
  (void)MHD_run(self->daemon);
}

bool server_draft(server_request *request, const char *body, size_t len) {
  if (request->draft != NULL) MHD_destroy_response(request->draft);
  request->draft = NULL;
  return len == 0 || make_draft(request, body, len);
}

bool server_draft_header(server_request *request, const char *name, const char *value) {
  if (request->draft == NULL && !make_draft(request, "", 0)) return false;
  return MHD_add_response_header(request->draft, name, value) == MHD_YES;
}

void server_go_on(server_request *request) {
  if (request->suspended) MHD_resume_connection(request->connection);
}

void server_send(server_request *request, unsigned status) {
  server *self = request->owner;
  const long long now = now_ms();
  if (self->quiesced) (void)server_draft_header(request, MHD_HTTP_HEADER_CONNECTION, "close");
  request->status = status;
  request->response = request->draft != NULL ? request->draft : self->empty;
  request->draft = NULL;
  connections_answer(self, request->connection);
  server_go_on(request);
  if (self->unsent_since == 0) self->unsent_since = now;
  if (now - self->unsent_since >= UNSENT_MS) run_daemon(self);
}

/* ---- the server ---- */

bool server_fail(server *self, const char *what, const char *why) {
  (void)snprintf(self->error, sizeof self->error, "%s: %s", what, why);
  return false;
}

/* Adds a descriptor to the server's epoll set. */
static bool wait_for(server *self, int fd) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Starts libmicrohttpd, without a port and a time limit of its own: a connection that is never inactive
   would never come to its end. */
static bool start_daemon(server *self) {
  const union MHD_DaemonInfo *info;
  self->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, faults_accept, self,
      on_request, self, MHD_OPTION_NOTIFY_CONNECTION, on_connection, self,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, self, MHD_OPTION_URI_LOG_CALLBACK, on_target, self,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)self->slot_count,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_END);
  if (self->daemon == NULL)
    return server_fail(self, "libmicrohttpd could not be started", strerror(errno));
  info = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  if (info == NULL || !wait_for(self, info->epoll_fd))
    return server_fail(self, "cannot wait for connections", strerror(errno));
  return true;
}

bool server_open(server *self, const server_options *options) {
  self->epoll = self->timer = self->listening = -1;
  self->ready_end = &self->ready;
  self->max_body = options->max_body;
  self->timeout = options->timeout;
  self->max_connections = options->max_connections;
  self->slot_count = self->max_connections + ACCEPT_MAX;
  self->slots = calloc(self->slot_count, sizeof *self->slots);
  if (self->slots == NULL) return server_fail(self, "cannot start", "out of memory");
  self->epoll = epoll_create1(EPOLL_CLOEXEC);
  self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (self->epoll < 0 || self->timer < 0 || !wait_for(self, self->timer))
    return server_fail(self, "cannot start", strerror(errno));
  self->empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (self->empty == NULL) return server_fail(self, "cannot start", "out of memory");
  return listening_open(self, options) && start_daemon(self);
}

bool server_catch_signals(server *self) {
  const char *problem = signals_open(&self->signals);
  if (problem != NULL) return server_fail(self, "cannot catch signals", problem);
  if (wait_for(self, self->signals.fd)) return true;
  signals_close(&self->signals);
  return server_fail(self, "cannot catch signals", strerror(errno));
}

/* In how many milliseconds libmicrohttpd has something to do without an event; LLONG_MAX: not. */
static long long pending(const server *self) {
  MHD_UNSIGNED_LONG_LONG ms;
  if (MHD_get_timeout(self->daemon, &ms) != MHD_YES) return LLONG_MAX;
  return ms > INT_MAX ? INT_MAX : (long long)ms;
}

/* Runs libmicrohttpd as long as it gets something done, or until requests are to be taken: it would
   ask for their answers. Whether there is work that it does not. */
static bool run(server *self) {
  int runs = 0, idle_runs = 0;
  bool has_work;
  do {
    self->progressed = false;
    if (runs == 0 || listening_has_room(self)) listening_accept(self);
    run_daemon(self);
    idle_runs = self->progressed ? 0 : idle_runs + 1;
    has_work = pending(self) == 0;
  } while (++runs < RUNS_MAX && idle_runs < IDLE_RUNS_MAX && self->ready == NULL &&
           (has_work || listening_has_room(self)));
  return has_work && idle_runs > 0;
}

/* Whether bytes of a connection wait to be read. */
static bool has_unread(struct MHD_Connection *connection) {
  const server_connection *one = connections_ours(connection);
  char byte;
  return one != NULL && recv(one->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* libmicrohttpd 0.9.75 asks to be run at once, again and again, for a connection whose memory is full
   before the line with a chunk's size is whole, and nothing else comes of it. It no longer reads; an
   honest sender who pauses has nothing unread. */
static void end_stalled(server *self) {
  const long long before = now_ms() - STALLED_MS;
  size_t i;
  for (i = 0; i < self->slot_count; i++) {
    const server_request *request = self->slots[i];
    if (request != NULL && request->chunked && !request->complete &&
        request->progressed < before && has_unread(request->connection))
      connections_end(self, request->connection);
  }
}

/* Sets the timer to when there is something to do without an event. One that ends earlier is early
   enough. Work that is left over must not wait long (the sockets are edge-triggered, no event will come
   for it), unless it does not get done, or the server is run anyway, after requests were taken. */
static void arm_timer(server *self) {
  const long long now = now_ms(), ms = self->ready != NULL ? LLONG_MAX : pending(self);
  long long at = connections_deadline(self);
  struct itimerspec when;
  if (ms != LLONG_MAX && now + ms < at) at = now + ms;
  if (ms == 0) at = now + (self->idle_calls < IDLE_CALLS_MAX ? 1 : SPIN_MS);
  if (self->accept_at != 0 && self->accept_at < at) at = self->accept_at;
  if (listening_has_room(self)) at = now + 1;
  if (at == LLONG_MAX || (self->timer_at != 0 && self->timer_at <= at)) return;
  memset(&when, 0, sizeof when);
  when.it_value.tv_sec = (time_t)(at / 1000);
  when.it_value.tv_nsec = (long)(at % 1000) * 1000000;
  if (timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0) self->timer_at = at;
}

bool server_run(server *self) {
  unsigned long long expirations;
  if (self->daemon == NULL) return false;
  if (self->timer_at != 0 && self->timer_at <= now_ms() &&
      read(self->timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
    self->timer_at = 0;
  faults_watch(self);
  self->idle_calls = run(self) ? self->idle_calls + 1 : 0;
  if (self->idle_calls > 0) end_stalled(self);
  connections_expire(self); /* last: what came in time counts, however late it is read */
  arm_timer(self);
  return signals_caught(&self->signals);
}

void server_stop_accepting(server *self) {
  if (self->daemon == NULL || self->quiesced) return;
  self->quiesced = true;
  listening_close(self);
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
      server_request *request = self->slots[i];
      if (request != NULL && is_waiting(request)) server_go_on(request);
    }
    faults_release(self);
    MHD_stop_daemon(self->daemon);
    self->daemon = NULL;
  }
  if (self->empty != NULL) MHD_destroy_response(self->empty);
  self->empty = NULL;
  signals_close(&self->signals);
  listening_close(self);
  close_fd(&self->timer);
  close_fd(&self->epoll);
  free(self->slots);
  self->slots = NULL;
}
