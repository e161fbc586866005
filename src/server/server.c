/*
** An HTTP server on libmicrohttpd. Its poller waits for incoming connections, for libmicrohttpd, and for
** time limits.
**
** A forked child has the parent's descriptors: their sets and sockets are the parent's, too. There the
** server is closed by closing the descriptors and nothing else.
*/
#include "server.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/descriptors.h"
#include "connections.h"
#include "faults.h"
#include "listening.h"
#include "request.h"

#define CONNECTION_MEMORY                                                                          \
  ((size_t)16 * 1024)   /* for the head of a request, and that of its answer */
#define RUNS_MAX 16     /* of libmicrohttpd in one server_run */
#define IDLE_RUNS_MAX 4 /* of them one after another, in which nothing is done that we see */
#define IDLE_CALLS_MAX                                                                             \
  32                /* of server_run that end so, as a long head may need, before that is a spin */
#define SPIN_MS 64  /* between two calls then */
#define UNSENT_MS 5 /* how long an answer may wait for others to be sent together */

/* Has libmicrohttpd do what there is to do: read, ask for responses, and send them. */
static void run_daemon(server *self) {
  self->unsent_since = 0;
  (void)MHD_run(self->daemon);
}

void server_flush(server *self) {
  const long long now = now_ms();
  if (self->unsent_since == 0) self->unsent_since = now;
  if (now - self->unsent_since >= UNSENT_MS) run_daemon(self);
}

bool server_fail(server *self, const char *what, const char *why) {
  (void)snprintf(self->error, sizeof self->error, "%s: %s", what, why);
  return false;
}

bool server_fail_with(server *self, const char *what, int problem) {
  return server_fail(self, what, problem == 0 ? "the system does not say why" : strerror(problem));
}

/* Starts libmicrohttpd, without a port and a time limit of its own: a connection that is never inactive
   would never come to its end. */
static bool start_daemon(server *self) {
  errno = 0; /* libmicrohttpd does not set it for each failure */
  self->daemon = MHD_start_daemon(
      poller_daemon_flag() | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
          compat_mhd_single_thread(),
      0, faults_accept, self, request_on_part, self, MHD_OPTION_NOTIFY_CONNECTION,
      request_on_connection, self, MHD_OPTION_NOTIFY_COMPLETED, request_on_completed, self,
      MHD_OPTION_URI_LOG_CALLBACK, request_on_target, self, MHD_OPTION_CONNECTION_LIMIT,
      (unsigned)self->slot_count, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
      MHD_OPTION_STRICT_FOR_CLIENT, compat_mhd_strictness(), MHD_OPTION_END);
  if (self->daemon == NULL) return server_fail_with(self, "libmicrohttpd cannot be started", errno);
  if (!poller_set_daemon(&self->poller, self->daemon))
    return server_fail_with(self, "cannot wait for connections", errno);
  return true;
}

/* Whether the system's libmicrohttpd is new enough: it may be another one than at compile time. */
static bool check_library(server *self) {
  const char *version = MHD_get_version();
  char problem[160];
  if (compat_mhd_is_supported(version)) return true;
  (void)snprintf(problem, sizeof problem,
                 "it needs libmicrohttpd " COMPAT_MHD_FLOOR
                 " or newer, and %.20s is loaded: install a newer "
                 "libmicrohttpd, or take an old one out of the library path",
                 version);
  return server_fail(self, "cannot start", problem);
}

bool server_open(server *self, const server_options *options) {
  if (!check_library(self)) return false;
  self->pid = getpid();
  self->listening = -1;
  self->ready_end = &self->ready;
  self->max_body = options->max_body;
  self->timeout = options->timeout;
  self->max_connections = options->max_connections;
  self->slot_count = self->max_connections + ACCEPT_MAX;
  self->slots = calloc(self->slot_count, sizeof *self->slots);
  if (self->slots == NULL) return server_fail(self, "cannot start", "out of memory");
  descriptors_fill();
  if (!poller_open(&self->poller)) return server_fail_with(self, "cannot start", errno);
  self->empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  if (self->empty == NULL) return server_fail(self, "cannot start", "out of memory");
  return listening_open(self, options) && start_daemon(self);
}

/* In how many milliseconds libmicrohttpd has something to do without an event; LLONG_MAX: not. */
static long long pending(const server *self) {
  MHD_UNSIGNED_LONG_LONG ms;
  if (poller_is_ready(&self->poller)) return 0;
  if (MHD_get_timeout(self->daemon, &ms) != MHD_YES) return LLONG_MAX;
  return ms > INT_MAX ? INT_MAX : (long long)ms;
}

/* Runs libmicrohttpd as long as it gets something done, or until requests are to be taken: it would
   ask for their answers. Whether there is work that it does not. */
static bool run(server *self) {
  int runs = 0, idle_runs = 0;
  bool has_work, has_accepted;
  do {
    self->progressed = false;
    run_daemon(self);
    idle_runs = self->progressed ? 0 : idle_runs + 1;
    has_work = pending(self) == 0;
    has_accepted = listening_accept(self);
  } while (++runs < RUNS_MAX && idle_runs < IDLE_RUNS_MAX && self->ready == NULL &&
           (has_work || has_accepted));
  return has_work && idle_runs > 0;
}

/* Ends requests whose memory is full before the line with a chunk's size is whole. libmicrohttpd 0.9.75 asks
   to be run at once, again and again, for such a connection, and 1.0.1 forgets it; neither reads from it any
   more. All other bytes that wait at one check are read before the next one. */
static void end_stalled(server *self) {
  size_t i;
  self->stalled_at = 0;
  for (i = 0; i < self->slot_count; i++) {
    server_request *request = self->slots[i];
    const bool was_stalled = request != NULL && request->stalled;
    if (request == NULL || !request->chunked || request->complete) continue;
    self->stalled_at = now_ms() + STALLED_MS;
    request->stalled = connections_has_unread(request->connection);
    if (was_stalled && request->stalled) connections_end(self, request->connection);
  }
}

/* Sets when there is something to do without an event. Work that is left over must not wait long (the
   sockets are edge-triggered, no event will come for it), unless it does not get done, or the server is
   run anyway, after requests were taken. */
static void arm_timer(server *self) {
  const long long now = now_ms(), ms = self->ready != NULL ? LLONG_MAX : pending(self);
  const long long accept_at = listening_retry(self);
  long long at = connections_deadline(self);
  if (ms != LLONG_MAX && now + ms < at) at = now + ms;
  if (ms == 0) at = now + (self->idle_calls < IDLE_CALLS_MAX ? 1 : SPIN_MS);
  if (self->stalled_at != 0 && self->stalled_at < at) at = self->stalled_at;
  if (accept_at < at) at = accept_at > now ? accept_at : now + 1;
  self->poller.is_spinning = ms == 0 && self->idle_calls >= IDLE_CALLS_MAX;
  poller_wake_at(&self->poller, at, now);
}

void server_run(server *self) {
  if (self->daemon == NULL) return;
  faults_watch(self);
  self->idle_calls = run(self) ? self->idle_calls + 1 : 0;
  if (self->stalled_at != 0 && self->stalled_at <= now_ms()) end_stalled(self);
  connections_expire(
      self); /* after run(), which has read what it could: connections.c spares the rest */
  arm_timer(self);
}

void server_stop_accepting(server *self) {
  if (self->daemon == NULL || self->quiesced) return;
  self->quiesced = true;
  listening_close(self);
  faults_release(self);
}

bool server_is_ours(const server *self) {
  return self->pid == getpid();
}

/* Stops libmicrohttpd, which frees all requests and connections. */
static void stop_daemon(server *self) {
  size_t i;
  /* libmicrohttpd aborts the process when a connection is suspended as it stops. */
  for (i = 0; i < self->slot_count; i++) {
    server_request *request = self->slots[i];
    if (request != NULL && request_is_waiting(request)) server_go_on(request);
  }
  faults_release(self);
  MHD_stop_daemon(self->daemon);
  self->daemon = NULL;
  assert(self->active == 0 && self->ready == NULL && self->connections == 0);
}

/* Closes the descriptors of a forked child. libmicrohttpd must not be called: it would take the parent's
   sockets out of the parent's set, and shut them down. Its memory stays, with our requests. */
static void abandon(server *self) {
  server_connection *one;
  for (one = self->open; one != NULL; one = one->older) (void)close(one->fd);
  if (self->listening >= 0) (void)close(self->listening);
  self->listening = -1;
  self->daemon = NULL;
  self->empty = NULL;
  self->open = NULL;
  self->ready = self->held = NULL;
  self->waiting.first = self->answering.first = NULL;
  self->active = 0;
}

void server_close(server *self) {
  if (self->slots == NULL) return; /* never opened, or closed */
  if (!server_is_ours(self)) abandon(self);
  if (self->daemon != NULL) stop_daemon(self);
  if (self->empty != NULL) MHD_destroy_response(self->empty);
  self->empty = NULL;
  listening_close(self);
  poller_close(&self->poller, !server_is_ours(self));
  free(self->slots);
  self->slots = NULL;
}
