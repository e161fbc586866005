/*
** The port of a server. libmicrohttpd could listen by itself; but where it has no room left, it leaves
** newcomers waiting until somebody goes, and where the process has no descriptor left and no connection,
** it tries without a pause.
*/
#include "listening.h"

#include <errno.h>
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
                 "%zu connections are more than select() can wait for (FD_SETSIZE, %d descriptors), which this "
                 "server uses for lack of epoll: lower max_connections to %d",
                 self->max_connections, POLLER_DESCRIPTORS_MAX, POLLER_DESCRIPTORS_MAX - DESCRIPTORS_KEPT);
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
  (void)snprintf(self->error, sizeof self->error,
                 "%zu connections need %llu descriptors, and this process may have %llu: raise its hard "
                 "limit (\"ulimit -Hn\", LimitNOFILE), or lower max_connections",
                 self->max_connections, (unsigned long long)needed,
                 (unsigned long long)limit.rlim_max);
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
static bool is_of_port(int problem) { return problem == EADDRINUSE || problem == EACCES; }

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
    return server_fail(self, where, "the port is in use; choose another port, or stop the process that "
                                    "uses it");
  if (problem == EACCES)
    return server_fail(self, where, "permission denied; ports below 1024 are reserved for root and "
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

/* Has newcomers wake the server, or not: nobody would let them in. False with errno. */
static bool invite(server *self, bool inviting) {
  if (!inviting) poller_remove(&self->poller, self->listening);
  self->inviting = inviting && poller_add(&self->poller, self->listening);
  return self->inviting == inviting;
}

bool listening_open(server *self, const server_options *options) {
  if (!ensure_descriptors(self) || !open_socket(self, options)) return false;
  return invite(self, true) || server_fail_with(self, "cannot wait for connections", errno);
}

/* Whether a newcomer can have a place: a free one, or that of one who waits. */
static bool has_place(const server *self) {
  return self->connections < self->max_connections || self->waiting.first != NULL;
}

bool listening_has_room(const server *self) {
  return self->listening >= 0 && !self->inviting && self->accept_at == 0 && has_place(self);
}

/* Whether a newcomer waits. Without a free descriptor, accept fails before it looks. */
static bool has_newcomer(const server *self) {
  struct pollfd port;
  memset(&port, 0, sizeof port);
  port.fd = self->listening;
  port.events = POLLIN;
  return poll(&port, 1, 0) != 0;
}

/* Lets one in; false when nobody is there, or there is no room. */
static bool accept_one(server *self) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  const int fd = descriptors_accept(self->listening, (struct sockaddr *)&address, &len);
  if (fd < 0) {
    const int problem = errno;
    const bool starved =
        problem == EMFILE || problem == ENFILE || problem == ENOBUFS || problem == ENOMEM;
    if (starved && !has_newcomer(self)) return false;
    /* Who goes leaves a descriptor, but what the whole system lacks does not come of that. */
    if (starved && !(problem == EMFILE && connections_end_oldest(self)))
      self->accept_at = now_ms() + STARVED_MS;
    return !starved && problem != EAGAIN; /* what is left are newcomers who have gone again */
  }
  if (self->connections >= self->max_connections) (void)connections_end_oldest(self);
  (void)MHD_add_connection(self->daemon, fd, (struct sockaddr *)&address, len);
  return true;
}

void listening_accept(server *self) {
  size_t count = 0;
  if (self->listening < 0 || (self->accept_at != 0 && now_ms() < self->accept_at)) return;
  self->accept_at = 0;
  /* No newcomer goes for another before anybody has looked what it sent. */
  while (count < ACCEPT_MAX && count < self->max_connections && has_place(self) && accept_one(self))
    count++;
  {
    const bool inviting = self->accept_at == 0 && has_place(self);
    if (inviting != self->inviting) (void)invite(self, inviting);
  }
}

void listening_close(server *self) {
  if (self->listening < 0) return;
  poller_remove(&self->poller, self->listening);
  (void)close(self->listening);
  self->listening = -1;
  self->accept_at = 0;
}
