/*
** Lingering close, which libmicrohttpd does not have. A duplicated descriptor keeps the socket alive
** after libmicrohttpd has ended its side and closed its own.
*/
#include "linger.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_MS 2000
#define READS 16 /* at most so many buffers in a turn, so that one client cannot hold the loop */

static void drop(linger *self, int at) {
  (void)close(self->sockets[at].fd);
  self->count--;
  memmove(&self->sockets[at], &self->sockets[at + 1],
          (size_t)(self->count - at) * sizeof self->sockets[0]);
}

void linger_add(linger *self, int epoll, int fd, uint64_t now) {
  struct epoll_event event;
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, copy, &event) != 0) {
    (void)close(copy);
    return;
  }
  if (self->count == LINGER_MAX) drop(self, 0);
  self->sockets[self->count].fd = copy;
  self->sockets[self->count].deadline = now + LINGER_MS;
  self->count++;
}

/* Drops what has come. Whether more may come. */
static bool drain(int fd) {
  char buffer[16384];
  ssize_t got = 1;
  int reads;
  for (reads = 0; reads < READS && got > 0; reads++)
    got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
  return got != 0;
}

void linger_run(linger *self, uint64_t now) {
  int at = 0;
  while (at < self->count) {
    if (now < self->sockets[at].deadline && drain(self->sockets[at].fd))
      at++;
    else
      drop(self, at);
  }
}

uint64_t linger_deadline(const linger *self) {
  return self->count > 0 ? self->sockets[0].deadline : UINT64_MAX;
}

void linger_close(linger *self) {
  while (self->count > 0) drop(self, self->count - 1);
}
