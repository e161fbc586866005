/*
** The listening socket. Made here and not by libmicrohttpd, which does not say why it cannot.
*/
#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the user can do about an error, or "". */
static const char *advice(int problem) {
  switch (problem) {
    case EADDRINUSE:
      return "; stop the program that has it, or choose another port (0 picks a free one)";
    case EACCES:
      return "; ports below 1024 need privileges, choose a higher one";
    case EADDRNOTAVAIL:
      return "; host must be an address of this machine (0.0.0.0 is all of them)";
    default:
      return "";
  }
}

/* Writes "address already in use: 127.0.0.1:8080; …" into `error`. Always -1. */
static int fail(const char *host, unsigned port, char *error, size_t size) {
  const int problem = errno;
  char reason[128];
  const char *text = strerror_r(problem, reason, sizeof reason);
  const char *brackets = strchr(host, ':') != NULL ? "[]" : "";
  const char first = text[0] >= 'A' && text[0] <= 'Z' ? (char)(text[0] - 'A' + 'a') : text[0];
  (void)snprintf(error, size, "%c%s: %.1s%s%s:%u%s", first, text + 1, brackets, host,
                 brackets[0] != '\0' ? brackets + 1 : "", port, advice(problem));
  return -1;
}

/* Binds and listens. 0, or -1 and errno. */
static int bind_socket(int fd, const struct addrinfo *address) {
  const int on = 1, off = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return -1;
  /* "::" takes IPv4 clients too, whatever the system's default is. */
  if (address->ai_family == AF_INET6 &&
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
    return -1;
  if (bind(fd, address->ai_addr, address->ai_addrlen) != 0) return -1;
  return listen(fd, SOMAXCONN);
}

int listener_open(const char *host, unsigned port, char *error, size_t size) {
  struct addrinfo hints, *address;
  char service[16];
  int fd, problem;
  memset(&hints, 0, sizeof hints);
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  (void)snprintf(service, sizeof service, "%u", port);
  if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, service, &hints,
                  &address) != 0) {
    (void)snprintf(error, size, "host must be an IP address or \"localhost\", got \"%s\"", host);
    return -1;
  }
  fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && bind_socket(fd, address) != 0) {
    problem = errno;
    close(fd);
    errno = problem;
    fd = -1;
  }
  problem = errno;
  freeaddrinfo(address);
  errno = problem;
  return fd >= 0 ? fd : fail(host, port, error, size);
}

unsigned listener_port(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } name;
  socklen_t len = sizeof name;
  memset(&name, 0, sizeof name);
  if (getsockname(fd, &name.any, &len) != 0) return 0;
  return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}
