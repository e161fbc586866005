/*
** Fault injection, for a server in tests of clients: incomplete responses, reset and held connections, and
** connections that are closed unread. libmicrohttpd sends complete responses only. So the bytes bypass it while
** it waits for the response; afterwards it closes the connection as one that has no response.
**
** All state is here, behind the server's hook, and is created when it is first needed.
*/
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/compat_system.h"
#include "response.h"

/* A request with a connection that stays open until its client closes it. */
typedef struct held {
  server_request *request;
  struct held *next;
} held;

typedef struct faults {
  server *owner;
  held *first;
  long long refusals; /* how many of the next connections to close */
} faults;

static int socket_of(const server_request *request) {
  return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
      ->connect_fd;
}

/* Removes an entry, and returns its request. */
static server_request *remove_held(faults *self, held **link) {
  held *one = *link;
  server_request *request = one->request;
  *link = one->next;
  free(one);
  server_poller_remove(&self->owner->poller, socket_of(request));
  return request;
}

/* Whether the client has closed its half of a connection. libmicrohttpd does not read from a suspended
   connection; what the client sends after its request is discarded, so that the end can be seen. */
static bool has_left(const server_request *request) {
  char discarded[4096];
  const ssize_t len = recv(socket_of(request), discarded, sizeof discarded, MSG_DONTWAIT);
  return len == 0 || (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Closes the held connections that their clients have closed, or all of them. */
static void release(faults *self, bool all) {
  held **link = &self->first;
  while (*link != NULL) {
    if (all || has_left((*link)->request))
      server_response_abort(remove_held(self, link));
    else
      link = &(*link)->next;
  }
}

/* Forgets a request after its connection was closed otherwise. */
static void forget(faults *self, const server_request *request) {
  held **link = &self->first;
  while (*link != NULL && (*link)->request != request) link = &(*link)->next;
  if (*link != NULL) (void)remove_held(self, link);
}

/* In a forked child, the entries are left: their requests are not released. */
static void free_faults(faults *self) {
  while (self->first != NULL) {
    held *one = self->first;
    self->first = one->next;
    free(one);
  }
  free(self);
}

static bool on_event(void *context, server_event event, const server_request *request) {
  faults *self = context;
  switch (event) {
    case SERVER_EVENT_ACCEPT:
      if (self->refusals == 0) return true;
      self->refusals--;
      return false;
    case SERVER_EVENT_RUN: release(self, false); break;
    case SERVER_EVENT_REQUEST_END: forget(self, request); break;
    case SERVER_EVENT_STOP: release(self, true); break;
    case SERVER_EVENT_CLOSE: free_faults(self); break;
  }
  return true;
}

/* The faults of a server; NULL when memory is out. */
static faults *faults_of(server *owner) {
  faults *self;
  if (owner->hook.call != NULL) return owner->hook.context;
  self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  self->owner = owner;
  owner->hook.call = on_event;
  owner->hook.context = self;
  return self;
}

/* Resets a connection at once. (SO_LINGER does not: libmicrohttpd shuts a socket down before it closes it, and
   the client could see that first.) */
static void reset(int fd) {
  struct sockaddr unspecified;
  memset(&unspecified, 0, sizeof unspecified);
  unspecified.sa_family = AF_UNSPEC;
  (void)connect(fd, &unspecified, sizeof unspecified);
}

/* Keeps the connection of a request open until its client leaves, or until the server stops, if the poller
   cannot add its descriptor. False when memory is out. */
static bool hold(server_request *request) {
  faults *self = faults_of(request->owner);
  held *one = self == NULL ? NULL : malloc(sizeof *one);
  if (one == NULL) return false;
  (void)server_poller_add(&self->owner->poller, socket_of(request));
  one->request = request;
  one->next = self->first;
  self->first = one;
  return true;
}

void server_cut(server_request *request, const char *bytes, size_t len, server_ending ending) {
  const int fd = socket_of(request);
  assert(request->awaits_response);
  request->awaits_response = false;
  if (len > 0) (void)send(fd, bytes, len, COMPAT_MSG_NOSIGNAL | MSG_DONTWAIT);
  if (ending == SERVER_ENDING_RESET) reset(fd);
  if (ending == SERVER_ENDING_HOLD && !request->owner->is_stopping && hold(request)) return;
  server_response_abort(request);
}

bool server_refuse(server *self, long long connections) {
  faults *own;
  assert(connections >= 0);
  if (connections == 0 && self->hook.call == NULL) return true;
  own = faults_of(self);
  if (own == NULL) return false;
  if (connections == 0) own->refusals = 0;
  own->refusals +=
      connections < LLONG_MAX - own->refusals ? connections : LLONG_MAX - own->refusals;
  return true;
}
