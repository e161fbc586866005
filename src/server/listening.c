/*
** The port of a server. libmicrohttpd could listen by itself; but where it has no room left, it leaves
** newcomers waiting until somebody goes, and where the process has no descriptor left and no connection,
** it tries without a pause.
*/
#include "listening.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/descriptors.h"
#include "connections.h"

#define DESCRIPTORS_KEPT 24 /* for everything that is not a connection */
#define STARVED_MS 100      /* how long to wait when the system has no room */

/* Sets `error`; false. */
static bool fail_for_select(server *self) {
  (void)snprintf(self->error, sizeof self->error,
                 "%zu connections are more than select() can wait for (FD_SETSIZE, %d "
                 "descriptors), which this "
                 "server uses for lack of epoll: lower max_connections to %d",
                 self->max_connections, POLLER_DESCRIPTORS_MAX,
                 POLLER_DESCRIPTORS_MAX - DESCRIPTORS_KEPT);
  return false;
}

/* Ensures that the process may open a descriptor for each connection: raises its soft limit where the hard
   limit allows that. */
static bool ensure_descriptors(server *self) {
  struct rlimit limit;
  const rlim_t needed = (rlim_t)self->max_connections + DESCRIPTORS_KEPT;
  if (needed > POLLER_DESCRIPTORS_MAX) return fail_for_select(self);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      limit.rlim_cur >= needed)
    return true;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed) {
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
  }
  (void)snprintf(
      self->error, sizeof self->error,
      "%zu connections need %llu descriptors, and this process may have %llu: raise its hard "
      "limit (\"ulimit -Hn\", LimitNOFILE), or lower max_connections",
      self->max_connections, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
  return false;
}

/* Binds one address; the socket, or -1 with errno. */
static int bind_address(const struct addrinfo *address) {
  const int on = 1;
  const int fd = descriptors_socket(address->ai_family);
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

/* Reads the address and the port that the socket got. */
static void read_address(server *self) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char port[16] = "0";
  if (getsockname(self->listening, (struct sockaddr *)&address, &len) != 0) return;
  (void)getnameinfo((struct sockaddr *)&address, len, self->host, sizeof self->host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  self->port = (unsigned)strtoul(port, NULL, 10);
}

/* Whether a failure to listen is about the port, not about one of the host's addresses. */
static bool is_of_port(int problem) {
  return problem == EADDRINUSE || problem == EACCES;
}

/* Binds the first address that this machine has. A port that is taken is an error, whatever other addresses
   the host has: the port would be open where it is not expected. Returns 0, or an errno. */
static int bind_first(server *self, const struct addrinfo *addresses) {
  const struct addrinfo *each;
  int problem = 0;
  for (each = addresses; each != NULL; each = each->ai_next) {
    self->listening = bind_address(each);
    if (self->listening >= 0) return 0;
    problem = errno;
    if (is_of_port(problem)) return problem;
  }
  return problem;
}

/* Sets `error` to why the port cannot be opened, with the remedy; false. */
static bool fail_to_bind(server *self, const char *where, int problem) {
  if (problem == EADDRINUSE)
    return server_fail(self, where,
                       "the port is in use; choose another port, or stop the process that "
                       "uses it");
  if (problem == EACCES)
    return server_fail(self, where,
                       "permission denied; ports below 1024 are reserved for root and "
                       "CAP_NET_BIND_SERVICE");
  return server_fail_with(self, where, problem);
}

/* Opens the socket; false with a message in `error`. */
static bool open_socket(server *self, const server_options *options) {
  /* A minimal system has no /etc/hosts that resolves "localhost". */
  const char *const host = strcmp(options->host, "localhost") == 0 ? "127.0.0.1" : options->host;
  struct addrinfo hints, *addresses = NULL;
  char port[16], where[100];
  int code, problem;
  memset(&hints, 0, sizeof hints);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  (void)snprintf(port, sizeof port, "%u", options->port);
  (void)snprintf(where, sizeof where, "cannot listen on %.60s port %s", options->host, port);
  code = getaddrinfo(host, port, &hints, &addresses);
  problem = errno;
  if (code == EAI_SYSTEM) return server_fail_with(self, where, problem);
  if (code != 0) return server_fail(self, where, gai_strerror(code));
  problem = bind_first(self, addresses);
  freeaddrinfo(addresses);
  if (self->listening < 0) return fail_to_bind(self, where, problem);
  read_address(self);
  return true;
}

/* Makes incoming connections wake the server, or not, when none could be accepted. False with errno. */
static bool invite(server *self, bool inviting) {
  if (!inviting) poller_remove(&self->poller, self->listening);
  self->inviting = inviting && poller_add(&self->poller, self->listening);
  return self->inviting == inviting;
}

bool listening_open(server *self, const server_options *options) {
  if (!ensure_descriptors(self) || !open_socket(self, options)) return false;
  return invite(self, true) || server_fail_with(self, "cannot wait for connections", errno);
}

/* Whether an incoming connection can have a place now: a free one, or that of an incomplete connection
   which may be evicted (connections.c states the policy). libmicrohttpd closes a connection unread beyond
   its limit. */
static bool has_place(const server *self) {
  return self->unclosed < self->slot_count &&
         (self->connections < self->max_connections || connections_eviction(self) <= now_ms());
}

long long listening_retry(const server *self) {
  if (self->listening < 0 || self->inviting) return LLONG_MAX;
  if (self->accept_at != 0) return self->accept_at;
  if (self->unclosed >= self->slot_count) return LLONG_MAX;
  return self->connections < self->max_connections ? 0 : connections_eviction(self);
}

/* Whether a connection waits to be accepted. */
static bool has_incoming(const server *self) {
  struct pollfd waiting;
  memset(&waiting, 0, sizeof waiting);
  waiting.fd = self->listening;
  waiting.events = POLLIN;
  return poll(&waiting, 1, 0) > 0;
}

bool listening_is_crowded(const server *self) {
  return self->listening >= 0 && !has_place(self) && has_incoming(self);
}

/* The system has no room for an incoming connection: retries later. A connection that is closed leaves a
   descriptor, which helps where only this process lacks one. */
static void starve(server *self, int problem) {
  if (problem == EMFILE && connections_evict(self)) return;
  self->accept_at = now_ms() + STARVED_MS;
}

/* Accepts a connection; false when none waits, or there is no room. */
static bool accept_one(server *self) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  int fd;
  if (self->connections >= self->max_connections &&
      !(has_incoming(self) && connections_evict(self)))
    return false;
  fd = descriptors_accept(self->listening, (struct sockaddr *)&address, &len);
  if (fd < 0) {
    const int problem = errno;
    if (problem == EMFILE || problem == ENFILE || problem == ENOBUFS || problem == ENOMEM) {
      /* Accepting needs a descriptor before it looks whether a connection waits. */
      if (has_incoming(self)) starve(self, problem);
      return false;
    }
    return problem != EAGAIN; /* what is left are connections that were closed meanwhile */
  }
  (void)MHD_add_connection(self->daemon, fd, (struct sockaddr *)&address, len);
  return true;
}

bool listening_accept(server *self) {
  size_t count = 0;
  if (self->listening < 0 || (self->accept_at != 0 && now_ms() < self->accept_at)) return false;
  self->accept_at = 0;
  while (count < ACCEPT_MAX && has_place(self) && accept_one(self)) count++;
  {
    const bool inviting = self->accept_at == 0 && has_place(self);
    if (inviting != self->inviting) (void)invite(self, inviting);
  }
  return count > 0;
}

void listening_close(server *self) {
  if (self->listening < 0) return;
  poller_remove(&self->poller, self->listening);
  (void)close(self->listening);
  self->listening = -1;
  self->accept_at = 0;
}
