/*
** A set of descriptors that reports changes: see edges.h.
*/
#include "edges.h"

#include <errno.h>

#include "../common/compat_system.h"

#ifndef APIVIDEO_POLL

#include <stddef.h>
#include <sys/epoll.h>

#define EVENTS_MAX 64 /* that one call reports */

int edges_open(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

bool edges_add(int set, int fd, bool also_write) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.fd = fd}};
  if (also_write) event.events |= EPOLLOUT;
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0) return true;
  return errno == EEXIST && epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) == 0;
}

void edges_remove(int set, int fd) {
  (void)epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

bool edges_wait(int set, int stop) {
  struct epoll_event events[EVENTS_MAX];
  int count, i;
  do { count = epoll_wait(set, events, EVENTS_MAX, -1); } while (count < 0 && errno == EINTR);
  for (i = 0; i < count; i++)
    if (events[i].data.fd == stop) return false;
  return count > 0;
}

#else

int edges_open(void) {
  errno = ENOSYS;
  return -1;
}

bool edges_add(int set, int fd, bool also_write) {
  (void)set;
  (void)fd;
  (void)also_write;
  errno = ENOSYS;
  return false;
}

void edges_remove(int set, int fd) {
  (void)set;
  (void)fd;
}

bool edges_wait(int set, int stop) {
  (void)set;
  (void)stop;
  return false;
}

#endif
