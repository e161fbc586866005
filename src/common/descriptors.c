/*
** Descriptors: see descriptors.h.
*/
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "compat_system.h"

void descriptors_fill(void) {
  int fd;
  for (fd = 0; fd <= 2; fd++) {
    int opened;
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    opened = open("/dev/null", O_RDWR);  /* the lowest free number */
    if (opened > 2) (void)close(opened); /* another thread has opened it first */
  }
}

#ifndef APIVIDEO_POLL

bool descriptors_pipe(int ends[2]) {
  return pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0;
}

int descriptors_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int descriptors_accept(int listening, struct sockaddr *address, socklen_t *len) {
  return accept4(listening, address, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

/* Sets FD_CLOEXEC and O_NONBLOCK. Returns `fd`; on failure closes it and returns -1, with errno. -1 stays -1. */
static int prepare(int fd) {
  if (fd < 0) return -1;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != -1 && fcntl(fd, F_SETFL, O_NONBLOCK) != -1) return fd;
  {
    const int problem = errno;
    (void)close(fd);
    errno = problem;
  }
  return -1;
}

bool descriptors_pipe(int ends[2]) {
  if (pipe(ends) != 0) return false;
  ends[0] = prepare(ends[0]);
  ends[1] = prepare(ends[1]);
  if (ends[0] >= 0 && ends[1] >= 0) return true;
  if (ends[0] >= 0) (void)close(ends[0]);
  if (ends[1] >= 0) (void)close(ends[1]);
  return false;
}

int descriptors_socket(int family) {
  return prepare(socket(family, SOCK_STREAM, 0));
}

int descriptors_accept(int listening, struct sockaddr *address, socklen_t *len) {
  return prepare(accept(listening, address, len));
}

#endif
