/*
** The port of a server. libmicrohttpd could listen by itself; but at its connection limit it accepts no
** incoming connection until a client leaves, and when the process has neither a free descriptor nor a
** connection, it retries in a busy loop.
*/
#include "listening.h"

#include <assert.h>
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
#include "error.h"

#define DESCRIPTORS_RESERVED 24 /* for everything that is not a connection */
#define RETRY_MS 100            /* between attempts to accept while the system has no resources */

/* The remedy for an address that this machine does not have. */
#define ADDRESSES "use 127.0.0.1 for this machine alone, or 0.0.0.0 for all of its addresses"

/* Sets the error that there are more connections than select() can wait for; false. */
static bool fail_for_select(server *self) {
  (void)snprintf(
      self->error, sizeof self->error,
      "%zu connections are more than select() can wait for (FD_SETSIZE, %d "
      "descriptors), which this server uses for lack of epoll: lower max_connections to %d",
      self->max_connections, SERVER_POLLER_DESCRIPTORS_MAX,
      SERVER_POLLER_DESCRIPTORS_MAX - DESCRIPTORS_RESERVED);
  return false;
}

/* Ensures that the process may open a descriptor for each connection: raises its soft limit if the hard limit
   allows that. */
static bool ensure_descriptors(server *self) {
  struct rlimit limit;
  const rlim_t needed = (rlim_t)self->max_connections + DESCRIPTORS_RESERVED;
  if (needed > SERVER_POLLER_DESCRIPTORS_MAX) return fail_for_select(self);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      limit.rlim_cur >= needed)
    return true;
  if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed) {
    limit.rlim_cur = needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
  }
  (void)snprintf(
      self->error, sizeof self->error,
      "max_connections = %zu needs %llu descriptors, and this process may have %llu: raise its "
      "hard limit (\"ulimit -Hn\", LimitNOFILE), or lower max_connections",
      self->max_connections, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
  return false;
}

/* Listens on one address: the socket, or -1 with errno. */
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

/* Reads the address and the port that the socket is bound to. */
static void read_address(server *self) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  char port[16] = "0";
  if (getsockname(self->listening, (struct sockaddr *)&address, &len) != 0) return;
  (void)getnameinfo((struct sockaddr *)&address, len, self->host, sizeof self->host, port,
                    sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  self->port = (unsigned)strtoul(port, NULL, 10);
}

/* Whether a failure to listen concerns the port, not one address of the host. */
static bool concerns_port(int problem) {
  return problem == EADDRINUSE || problem == EACCES;
}

/* Listens on the first of the host's addresses that this machine has. A port in use is an error even if the
   host has more addresses: the server would listen where it is not expected. Returns 0, or an errno. */
static int bind_first(server *self, const struct addrinfo *addresses) {
  const struct addrinfo *each;
  int problem = 0;
  for (each = addresses; each != NULL; each = each->ai_next) {
    self->listening = bind_address(each);
    if (self->listening >= 0) return 0;
    problem = errno;
    if (concerns_port(problem)) return problem;
  }
  return problem;
}

/* Sets the error that a host name cannot be resolved, with getaddrinfo's code; false. */
static bool fail_to_resolve(server *self, const char *where, int code) {
  char reason[200];
  (void)snprintf(reason, sizeof reason, "the host name cannot be resolved (%.60s); " ADDRESSES,
                 gai_strerror(code));
  return server_fail(self, where, reason);
}

/* Sets the error to the reason and the remedy; false. */
static bool fail_to_bind(server *self, const char *where, int problem) {
  if (problem == EADDRINUSE)
    return server_fail(self, where,
                       "the port is in use; choose another port, or stop the process that "
                       "uses it");
  if (problem == EACCES)
    return server_fail(self, where,
                       "permission denied; ports below 1024 are reserved for root and "
                       "CAP_NET_BIND_SERVICE: choose another port");
  if (problem == EADDRNOTAVAIL)
    return server_fail(self, where, "this machine does not have that address; " ADDRESSES);
  return server_fail_with(self, where, problem);
}

/* Opens the socket; false with an error. */
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
  if (code != 0) return fail_to_resolve(self, where, code);
  problem = bind_first(self, addresses);
  freeaddrinfo(addresses);
  if (self->listening < 0) return fail_to_bind(self, where, problem);
  read_address(self);
  return true;
}

/* Sets whether incoming connections wake the server; they must not while they cannot be accepted. False with
   errno. */
static bool set_polled(server *self, bool is_polled) {
  if (!is_polled) server_poller_remove(&self->poller, self->listening);
  self->is_polled = is_polled && server_poller_add(&self->poller, self->listening);
  return self->is_polled == is_polled;
}

bool server_listening_open(server *self, const server_options *options) {
  if (!ensure_descriptors(self) || !open_socket(self, options)) return false;
  return set_polled(self, true) || server_fail_with(self, "cannot wait for connections", errno);
}

/* Whether an incoming connection can be admitted now: below max_connections, or instead of an incomplete
   connection that may be evicted (connections.c states the policy). Beyond slot_count, its own limit,
   libmicrohttpd would close the connection unread. */
static bool can_admit(const server *self) {
  return self->unclosed_count < self->slot_count &&
         (self->connection_count < self->max_connections ||
          server_connections_eviction(self) <= server_now_ms());
}

long long server_listening_retry(const server *self) {
  if (self->listening < 0 || self->is_polled) return LLONG_MAX;
  if (self->accept_at != 0) return self->accept_at;
  if (self->unclosed_count >= self->slot_count) return LLONG_MAX;
  return self->connection_count < self->max_connections ? 0 : server_connections_eviction(self);
}

/* Whether an incoming connection waits. */
static bool has_incoming(const server *self) {
  struct pollfd waiting;
  memset(&waiting, 0, sizeof waiting);
  waiting.fd = self->listening;
  waiting.events = POLLIN;
  return poll(&waiting, 1, 0) > 0;
}

bool server_listening_is_crowded(const server *self) {
  return self->listening >= 0 && !can_admit(self) && has_incoming(self);
}

/* The system lacks resources for an incoming connection: retries later. If only this process lacks a
   descriptor, evicting a connection frees one. */
static void handle_shortage(server *self, int problem) {
  if (problem == EMFILE && server_connections_evict(self)) return;
  self->accept_at = server_now_ms() + RETRY_MS;
}

/* Accepts a connection; false when no connection waits, or none can be admitted. */
static bool accept_one(server *self) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  int fd;
  if (self->connection_count >= self->max_connections &&
      !(has_incoming(self) && server_connections_evict(self)))
    return false;
  fd = descriptors_accept(self->listening, (struct sockaddr *)&address, &len);
  if (fd < 0) {
    const int problem = errno;
    if (problem == EMFILE || problem == ENFILE || problem == ENOBUFS || problem == ENOMEM) {
      /* accept fails for lack of a descriptor even if no connection waits. */
      if (has_incoming(self)) handle_shortage(self, problem);
      return false;
    }
    return problem != EAGAIN; /* any other error: the client has closed its connection */
  }
  (void)MHD_add_connection(self->daemon, fd, (struct sockaddr *)&address, len);
  return true;
}

bool server_listening_accept(server *self) {
  size_t count = 0;
  if (self->listening < 0 || (self->accept_at != 0 && server_now_ms() < self->accept_at))
    return false;
  self->accept_at = 0;
  while (count < SERVER_ACCEPT_MAX && can_admit(self) && accept_one(self)) count++;
  {
    const bool is_polled = self->accept_at == 0 && can_admit(self);
    if (is_polled != self->is_polled) (void)set_polled(self, is_polled);
  }
  assert(self->connection_count <= self->max_connections);
  assert(self->unclosed_count <= self->slot_count);
  return count > 0;
}

void server_listening_close(server *self) {
  if (self->listening < 0) return;
  server_poller_remove(&self->poller, self->listening);
  (void)close(self->listening);
  self->listening = -1;
  self->accept_at = 0;
}
