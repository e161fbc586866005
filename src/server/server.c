/*
** A server: opening, one iteration of its loop, closing. Its poller waits for incoming connections, for
** libmicrohttpd, and for deadlines.
**
** A forked child shares the parent's descriptors: their epoll sets and sockets are the parent's, too. There, a
** server is closed by closing its descriptors and nothing else.
*/
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../common/descriptors.h"
#include "body.h"
#include "connections.h"
#include "error.h"
#include "listening.h"
#include "request.h"
#include "response.h"

/* Of a connection: for the header sections of a request and of its response. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define RUNS_MAX 16     /* of libmicrohttpd in one server_run */
#define IDLE_RUNS_MAX 4 /* of these in succession, without visible progress */
/* Successive calls of server_run without visible progress before they are a busy loop: a long header section
   may need as many. */
#define IDLE_CALLS_MAX 32
#define SPIN_MS 64  /* between two calls in a busy loop */
#define UNSENT_MS 5 /* how long a response may wait for others to be sent with it */

size_t server_size(void) {
  return sizeof(server);
}

/* ---- opening ---- */

/* libmicrohttpd's MHD_AcceptPolicyCallback. */
static enum MHD_Result on_accept(void *context, const struct sockaddr *address, socklen_t len) {
  (void)address;
  (void)len;
  return server_call_hook(context, SERVER_EVENT_ACCEPT, NULL) ? MHD_YES : MHD_NO;
}

/* Starts libmicrohttpd without a port, and without its own timeout: that limits inactivity only, which a slow
   request avoids. */
static bool start_daemon(server *self) {
  errno = 0; /* libmicrohttpd does not set it on every failure */
  self->daemon = MHD_start_daemon(
      server_poller_daemon_flag() | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
          compat_mhd_single_thread(),
      0, on_accept, self, server_request_on_part, self, MHD_OPTION_NOTIFY_CONNECTION,
      server_request_on_connection, self, MHD_OPTION_NOTIFY_COMPLETED, server_request_on_completed,
      self, MHD_OPTION_URI_LOG_CALLBACK, server_request_on_target, self,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)self->slot_count, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, compat_mhd_strictness(), MHD_OPTION_END);
  if (self->daemon == NULL) return server_fail_with(self, "cannot start libmicrohttpd", errno);
  if (!server_poller_set_daemon(&self->poller, self->daemon))
    return server_fail_with(self, "cannot wait for connections", errno);
  return true;
}

const char *server_library(void) {
  return MHD_get_version();
}

/* Whether the loaded libmicrohttpd is new enough: it may differ from the one at compile time. */
static bool check_library(server *self) {
  const char *version = MHD_get_version();
  char problem[160];
  if (compat_mhd_is_supported(version)) return true;
  (void)snprintf(problem, sizeof problem,
                 "it needs libmicrohttpd " COMPAT_MHD_FLOOR
                 " or newer, and %.20s is loaded: install a newer "
                 "libmicrohttpd, or remove the old one from the library path",
                 version);
  return server_fail(self, "cannot start", problem);
}

bool server_open(server *self, const server_options *options) {
  if (!check_library(self)) return false;
  self->pid = getpid();
  self->listening = -1;
  self->end = &self->first;
  self->max_body = options->max_body;
  self->timeout = options->timeout;
  self->max_connections = options->max_connections;
  self->slot_count = self->max_connections + SERVER_ACCEPT_MAX;
  self->slots = calloc(self->slot_count, sizeof *self->slots);
  if (self->slots == NULL) return server_fail(self, "cannot start", "out of memory");
  descriptors_fill();
  if (!server_poller_open(&self->poller)) return server_fail_with(self, "cannot start", errno);
  if (!server_response_open(self)) return server_fail(self, "cannot start", "out of memory");
  return server_listening_open(self, options) && start_daemon(self);
}

bool server_is_open(const server *self) {
  return self->daemon != NULL;
}

const char *server_host(const server *self) {
  return self->host;
}

unsigned server_port(const server *self) {
  return self->port;
}

#ifndef APIVIDEO_POLL

int server_fd(const server *self) {
  return self->poller.set;
}

#else

long long server_list_fds(const server *self, fd_set *reads, fd_set *writes) {
  FD_ZERO(reads);
  FD_ZERO(writes);
  if (!server_is_open(self)) return 0;
  server_poller_list(&self->poller, reads, writes);
  return self->poller.wakes_at == 0 ? LLONG_MAX : self->poller.wakes_at - server_now_ms();
}

#endif

/* ---- one iteration ---- */

/* Lets libmicrohttpd do its work: read, ask for responses, and send them. */
static void run_daemon(server *self) {
  self->unsent_since = 0;
  (void)MHD_run(self->daemon);
}

void server_flush(server *self) {
  const long long now = server_now_ms();
  if (self->unsent_since == 0) self->unsent_since = now;
  if (now - self->unsent_since >= UNSENT_MS) run_daemon(self);
}

/* In how many milliseconds libmicrohttpd has work without an event; LLONG_MAX: never. */
static long long pending_ms(const server *self) {
  MHD_UNSIGNED_LONG_LONG ms;
  if (server_poller_is_ready(&self->poller)) return 0;
  if (MHD_get_timeout(self->daemon, &ms) != MHD_YES) return LLONG_MAX;
  return ms > INT_MAX ? INT_MAX : (long long)ms;
}

/* Runs libmicrohttpd while it makes progress, or until there are requests to take: another run would ask for
   their responses, and suspend their connections. Returns whether work is left that makes no visible progress. */
static bool run(server *self) {
  int runs = 0, idle_runs = 0;
  bool has_work, has_accepted;
  do {
    self->has_progressed = false;
    run_daemon(self);
    idle_runs = self->has_progressed ? 0 : idle_runs + 1;
    has_work = pending_ms(self) == 0;
    has_accepted = server_listening_accept(self);
  } while (++runs < RUNS_MAX && idle_runs < IDLE_RUNS_MAX && self->first == NULL &&
           (has_work || has_accepted));
  return has_work && idle_runs > 0;
}

/* Sets when the server wakes without an event. Work that is left must be done soon (the sockets are
   edge-triggered, so that no event comes for it), unless it makes no progress, or requests are to be taken,
   after which the server is run anyway. */
static void arm_timer(server *self) {
  const long long now = server_now_ms();
  const long long ms = self->first != NULL ? LLONG_MAX : pending_ms(self);
  const long long accept_at = server_listening_retry(self);
  long long at = server_connections_deadline(self);
  if (ms != LLONG_MAX && now + ms < at) at = now + ms;
  if (ms == 0) at = now + (self->idle_calls < IDLE_CALLS_MAX ? 1 : SPIN_MS);
  if (self->stall_check_at != 0 && self->stall_check_at < at) at = self->stall_check_at;
  if (accept_at < at) at = accept_at > now ? accept_at : now + 1;
  self->poller.is_spinning = ms == 0 && self->idle_calls >= IDLE_CALLS_MAX;
  server_poller_wake_at(&self->poller, at, now);
}

void server_run(server *self) {
  if (!server_is_open(self)) return;
  (void)server_call_hook(self, SERVER_EVENT_RUN, NULL);
  self->idle_calls = run(self) ? self->idle_calls + 1 : 0;
  server_body_end_stalled(self);
  /* After run(), which has read what it could. */
  server_connections_expire(self);
  arm_timer(self);
}

/* ---- closing ---- */

void server_stop_accepting(server *self) {
  if (!server_is_open(self) || self->is_stopping) return;
  self->is_stopping = true;
  server_listening_close(self);
  (void)server_call_hook(self, SERVER_EVENT_STOP, NULL);
}

/* Stops libmicrohttpd, which frees all requests and connections. It aborts the process if a connection is still
   suspended. */
static void stop_daemon(server *self) {
  (void)server_call_hook(self, SERVER_EVENT_STOP, NULL);
  server_request_resume_all(self);
  MHD_stop_daemon(self->daemon);
  self->daemon = NULL;
  assert(self->active == 0 && self->first == NULL && self->body_memory == 0);
  assert(self->unclosed_count == 0 && self->connection_count == 0 && self->newest == NULL);
}

static bool is_forked(const server *self) {
  return self->pid != getpid();
}

/* Closes the descriptors in a forked child. libmicrohttpd must not be called: it would remove the parent's
   sockets from the parent's epoll set, and shut them down. Its memory and that of the requests is not freed. */
static void abandon(server *self) {
  server_connection *one;
  for (one = self->newest; one != NULL; one = one->older) (void)close(one->fd);
  if (self->listening >= 0) (void)close(self->listening);
  self->listening = -1;
  self->daemon = NULL;
  self->empty = self->empty_close = NULL;
  self->newest = NULL;
  self->first = NULL;
  self->receiving.first = self->sending.first = NULL;
  self->active = 0;
}

void server_close_if_forked(server *self) {
  if (server_is_open(self) && is_forked(self)) server_close(self);
}

void server_close(server *self) {
  if (self->slots == NULL) return; /* not opened, or closed before */
  if (is_forked(self)) abandon(self);
  if (self->daemon != NULL) stop_daemon(self);
  (void)server_call_hook(self, SERVER_EVENT_CLOSE, NULL);
  self->hook.call = NULL;
  server_response_close(self);
  server_listening_close(self);
  server_poller_close(&self->poller, is_forked(self));
  free(self->slots);
  self->slots = NULL;
}
