/*
** A connection to a Redis server: see connection.h.
*/
#include "connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../common/compat_system.h"
#include "../common/descriptors.h"

#define CLOSED "the server has closed the connection"
#define READ_BYTES 16384
#define READS_MAX 64 /* of one step, so that other tasks run during a large reply */

/* Closes the connection because of a problem. Returns false. */
static bool fail(connection *self, const char *problem) {
  (void)snprintf(self->problem, sizeof self->problem, "%s", problem);
  connection_close(self);
  return false;
}

static void close_socket(connection *self) {
  if (self->fd >= 0) (void)close(self->fd);
  self->fd = -1;
}

void connection_close(connection *self) {
  if (self->state == CONNECTION_CLOSED) return;
  self->state = CONNECTION_CLOSED;
  tls_close(&self->tls);
  close_socket(self);
  if (self->lookup != NULL) lookup_release(self->lookup);
  self->lookup = NULL;
  replies_close(&self->replies);
  if (self->reply != NULL) freeReplyObject(self->reply);
  self->reply = NULL;
  if (self->output != NULL) redisFreeCommand(self->output);
  self->output = NULL;
  self->is_pending = false;
}

void connection_close_if_forked(connection *self) {
  if (self->state != CONNECTION_CLOSED && self->process != getpid())
    (void)fail(self, "the connection belongs to the parent process");
}

/* ---- connecting ---- */

/* Starts to connect to an address. Returns 0, or an error number. */
static int connect_to(connection *self, const struct sockaddr *address, socklen_t len) {
  static const int yes = 1;
  assert(self->fd < 0);
  self->fd = descriptors_socket(address->sa_family);
  if (self->fd < 0) return errno;
  if (address->sa_family != AF_UNIX)
    (void)setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  self->state = CONNECTION_CONNECTING;
  return connect(self->fd, address, len) == 0 || errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

/* Connects to the next address, after the one before has failed with `error`. */
static bool connect_to_next(connection *self, int error) {
  while (self->next != NULL) {
    const struct addrinfo *const address = self->next;
    self->next = address->ai_next;
    close_socket(self);
    error = connect_to(self, address->ai_addr, address->ai_addrlen);
    if (error == 0) return true;
  }
  return fail(self, strerror(error));
}

static bool connect_to_path(connection *self, const char *path) {
  struct sockaddr_un address;
  int error;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) return fail(self, strerror(ENAMETOOLONG));
  memcpy(address.sun_path, path, strlen(path));
  error = connect_to(self, (const struct sockaddr *)&address, sizeof address);
  return error == 0 || fail(self, strerror(error));
}

bool connection_open(connection *self, const connection_options *options) {
  const char *problem;
  descriptors_fill();
  self->state = CONNECTION_RESOLVING;
  self->process = getpid();
  self->fd = -1;
  self->uses_tls = options->uses_tls;
  if (!replies_open(&self->replies, options->reply_max)) return fail(self, strerror(ENOMEM));
  if (options->host == NULL) return connect_to_path(self, options->path);
  if (self->uses_tls && !tls_open(&self->tls, options->host, options->ca_file))
    return fail(self, self->tls.problem);
  self->lookup = lookup_start(options->host, options->port, &problem);
  return self->lookup != NULL || fail(self, problem);
}

/* Each function of a state returns whether another one has begun. */

static bool resolve(connection *self) {
  const char *problem = "";
  if (!lookup_has_ended(self->lookup)) return false;
  self->next = lookup_addresses(self->lookup, &problem);
  return self->next == NULL ? fail(self, problem) : connect_to_next(self, 0);
}

static bool finish_connect(connection *self) {
  struct pollfd one = {self->fd, POLLOUT, 0};
  int error = 0;
  socklen_t len = sizeof error;
  if (poll(&one, 1, 0) != 1) return false;
  if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error != 0) return connect_to_next(self, error);
  if (self->lookup != NULL) lookup_release(self->lookup);
  self->lookup = NULL;
  self->next = NULL;
  if (self->uses_tls && !tls_attach(&self->tls, self->fd)) return fail(self, self->tls.problem);
  self->state = self->uses_tls ? CONNECTION_HANDSHAKING : CONNECTION_OPEN;
  return true;
}

static bool handshake(connection *self) {
  const int done = tls_handshake(&self->tls);
  if (done < 0) return fail(self, self->tls.problem);
  if (done == 0) return false;
  self->tls.wants_write = false;
  self->state = CONNECTION_OPEN;
  return true;
}

/* ---- commands and replies ---- */

/* As tls_read, for either kind of connection. */
static ssize_t read_some(connection *self, char *bytes, size_t len) {
  ssize_t count;
  if (self->uses_tls) return tls_read(&self->tls, bytes, len);
  do { count = recv(self->fd, bytes, len, 0); } while (count < 0 && errno == EINTR);
  if (count == 0) errno = 0; /* the end of the stream */
  return count > 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* As tls_write, for either kind of connection. */
static ssize_t write_some(connection *self, const char *bytes, size_t len) {
  ssize_t count;
  if (self->uses_tls) return tls_write(&self->tls, bytes, len);
  do {
    count = send(self->fd, bytes, len, COMPAT_MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count >= 0 ? count : errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* Why read_some or write_some has failed. */
static const char *io_problem(const connection *self) {
  if (self->uses_tls) return self->tls.problem;
  return errno == 0 ? CLOSED : strerror(errno);
}

/* Sends what the socket takes of the command. Returns whether that was all. */
static bool flush(connection *self) {
  while (self->output != NULL) {
    const ssize_t count =
        write_some(self, self->output + self->output_sent, self->output_len - self->output_sent);
    if (count < 0) return fail(self, io_problem(self));
    if (count == 0) return false;
    self->output_sent += (size_t)count;
    if (self->output_sent < self->output_len) continue;
    redisFreeCommand(self->output);
    self->output = NULL;
  }
  return true;
}

/* Reads and parses what has arrived, up to the reply. Returns false after a failure. */
static bool receive(connection *self) {
  char bytes[READ_BYTES];
  int reads;
  self->has_input = false;
  for (reads = 0; reads < READS_MAX; reads++) {
    const ssize_t count = read_some(self, bytes, sizeof bytes);
    const char *problem;
    if (count < 0) return fail(self, io_problem(self));
    if (count == 0) return true;
    problem = replies_feed(&self->replies, bytes, (size_t)count);
    if (problem == NULL) problem = replies_next(&self->replies, &self->reply);
    if (problem != NULL) return fail(self, problem);
    if (self->reply != NULL) return true;
  }
  self->has_input = true;
  return true;
}

connection_progress connection_step(connection *self) {
  if (self->state == CONNECTION_RESOLVING) (void)resolve(self);
  while (self->state == CONNECTION_CONNECTING && finish_connect(self)) continue;
  if (self->state == CONNECTION_HANDSHAKING) (void)handshake(self);
  if (self->state == CONNECTION_OPEN && self->is_pending && self->reply == NULL)
    (void)(flush(self) && receive(self));
  if (self->state == CONNECTION_CLOSED) return CONNECTION_FAILED;
  if (self->reply != NULL) return CONNECTION_REPLIED;
  return self->state == CONNECTION_OPEN && !self->is_pending ? CONNECTION_IDLE : CONNECTION_WAITING;
}

bool connection_is_ready(const connection *self) {
  return self->state != CONNECTION_CLOSED && !self->is_pending;
}

bool connection_is_usable(connection *self) {
  char byte;
  if (self->state != CONNECTION_OPEN || self->is_pending || replies_is_partial(&self->replies))
    return false;
  return read_some(self, &byte, 1) == 0;
}

bool connection_send(connection *self, int count, const char **words, const size_t *lens) {
  long long len;
  assert(connection_is_ready(self) && self->output == NULL && self->reply == NULL);
  len = redisFormatCommandArgv(&self->output, count, words, lens);
  if (len < 0) {
    self->output = NULL;
    return false;
  }
  self->output_len = (size_t)len;
  self->output_sent = 0;
  self->is_pending = true;
  return true;
}

redisReply *connection_take_reply(connection *self) {
  redisReply *const reply = self->reply;
  self->reply = NULL;
  if (reply != NULL) self->is_pending = false;
  return reply;
}

int connection_interest(const connection *self, bool *writes, bool *at_once) {
  *at_once = self->state == CONNECTION_OPEN && self->has_input;
  *writes = self->state == CONNECTION_CONNECTING ||
            (self->uses_tls && self->tls.context != NULL && self->tls.wants_write) ||
            (!self->uses_tls && self->state == CONNECTION_OPEN && self->output != NULL);
  if (self->state != CONNECTION_RESOLVING) return self->fd;
  *at_once = lookup_fd(self->lookup) < 0;
  return lookup_fd(self->lookup);
}
