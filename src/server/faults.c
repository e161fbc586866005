/*
** The faults of a server on the wire. libmicrohttpd sends whole answers only, so these bytes go past
** it, while it waits for an answer: it sees a connection that it is told to close.
*/
#include "faults.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/compat_system.h"

static int socket_of(const server_request *request) {
  return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
      ->connect_fd;
}

/* Resets a connection at once. (SO_LINGER would not do: libmicrohttpd shuts a socket down before it
   closes it, and the client could see that first.) */
static void reset(int fd) {
  struct sockaddr nobody;
  memset(&nobody, 0, sizeof nobody);
  nobody.sa_family = AF_UNSPEC;
  (void)connect(fd, &nobody, sizeof nobody);
}

/* Keeps a request, whose connection is suspended or will be, until its client leaves. Without a place in the
   poller, it stays until the port closes. */
static void hold(server_request *request) {
  server *self = request->owner;
  (void)poller_add(&self->poller, socket_of(request));
  request->held = true;
  request->next = self->held;
  self->held = request;
}

/* Takes the first request out of a list of held ones, and lets libmicrohttpd close its connection. */
static void let_go(server *self, server_request **link) {
  server_request *request = *link;
  *link = request->next;
  request->next = NULL;
  request->held = false;
  poller_remove(&self->poller, socket_of(request));
  server_go_on(request);
}

/* Whether a client has ended its half of a connection. libmicrohttpd reads nothing from one that is
   suspended; what the client sends after its request is discarded, so that the end can be seen. */
static bool has_left(const server_request *request) {
  char discarded[4096];
  const ssize_t len = recv(socket_of(request), discarded, sizeof discarded, MSG_DONTWAIT);
  return len == 0 || (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void server_cut(server_request *request, const char *bytes, size_t len, server_ending ending) {
  const int fd = socket_of(request);
  if (len > 0) (void)send(fd, bytes, len, COMPAT_MSG_NOSIGNAL | MSG_DONTWAIT);
  if (ending == SERVER_RESET) reset(fd);
  request->cut = true;
  if (ending == SERVER_HOLD && !request->owner->quiesced)
    hold(request);
  else
    server_go_on(request);
}

void server_refuse(server *self, long long connections) {
  if (connections == 0) self->refusals = 0;
  self->refusals +=
      connections < LLONG_MAX - self->refusals ? connections : LLONG_MAX - self->refusals;
}

enum MHD_Result faults_accept(void *context, const struct sockaddr *address, socklen_t len) {
  server *self = context;
  (void)address;
  (void)len;
  if (self->refusals == 0) return MHD_YES;
  self->refusals--;
  return MHD_NO;
}

void faults_watch(server *self) {
  server_request **link = &self->held;
  while (*link != NULL) {
    if (has_left(*link))
      let_go(self, link);
    else
      link = &(*link)->next;
  }
}

void faults_release(server *self) {
  while (self->held != NULL) let_go(self, &self->held);
}

void faults_forget(server *self, const server_request *request) {
  server_request **link = &self->held;
  while (*link != NULL && *link != request) link = &(*link)->next;
  if (*link == NULL) return;
  *link = request->next;
  poller_remove(&self->poller, socket_of(request));
}
