/*
** What a server waits for: see poller.h. The first half uses epoll; the second leaves the wait to the event
** loop's poll().
*/
#include "poller.h"

#include <errno.h>
#include <string.h>
#include <time.h>

long long server_now_ms(void) {
  struct timespec time = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

#ifndef APIVIDEO_POLL

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

bool server_poller_open(server_poller *self) {
  self->wakes_at = 0;
  self->is_spinning = false;
  self->timer = self->daemon_set = -1;
  self->set = epoll_create1(EPOLL_CLOEXEC);
  if (self->set < 0) return false;
  self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  return self->timer >= 0 && server_poller_add(self, self->timer);
}

static void close_fd(int *fd) {
  if (*fd >= 0) (void)close(*fd);
  *fd = -1;
}

void server_poller_close(server_poller *self, bool is_forked) {
  if (is_forked) close_fd(&self->daemon_set);
  close_fd(&self->timer);
  close_fd(&self->set);
}

unsigned server_poller_daemon_flag(void) {
  return MHD_USE_EPOLL;
}

bool server_poller_set_daemon(server_poller *self, struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  errno = ENOSYS; /* libmicrohttpd was built without epoll */
  if (info == NULL) return false;
  self->daemon_set = info->epoll_fd;
  return server_poller_add(self, self->daemon_set);
}

/* With epoll, MHD_get_timeout reports all of them. (The set is edge-triggered: no event is reported twice.) */
bool server_poller_is_ready(const server_poller *self) {
  (void)self;
  return false;
}

bool server_poller_add(server_poller *self, int fd) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(self->set, EPOLL_CTL_ADD, fd, &event) == 0;
}

void server_poller_remove(server_poller *self, int fd) {
  (void)epoll_ctl(self->set, EPOLL_CTL_DEL, fd, NULL);
}

/* Whether the timer has expired. Reading it makes it unreadable again. */
static bool read_timer(const server_poller *self) {
  unsigned long long expirations;
  return read(self->timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations;
}

/* A timer that expires earlier than necessary stays armed: the server arms it again when it wakes. */
void server_poller_wake_at(server_poller *self, long long at, long long now) {
  struct itimerspec when;
  if (self->wakes_at != 0 && self->wakes_at <= now && read_timer(self)) self->wakes_at = 0;
  if (at == LLONG_MAX || (self->wakes_at != 0 && self->wakes_at <= at)) return;
  memset(&when, 0, sizeof when);
  when.it_value.tv_sec = (time_t)(at / 1000);
  when.it_value.tv_nsec = (long)(at % 1000) * 1000000;
  if (timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0) self->wakes_at = at;
}

#else

bool server_poller_open(server_poller *self) {
  self->wakes_at = 0;
  self->is_spinning = false;
  self->daemon = NULL;
  FD_ZERO(&self->added);
  return true;
}

void server_poller_close(server_poller *self, bool is_forked) {
  (void)self;
  (void)is_forked;
}

unsigned server_poller_daemon_flag(void) {
  return MHD_NO_FLAG;
}

bool server_poller_set_daemon(server_poller *self, struct MHD_Daemon *daemon) {
  self->daemon = daemon;
  return true;
}

/* Adds libmicrohttpd's descriptors to the sets; returns the largest, or -1. */
static int add_daemon(const server_poller *self, fd_set *reads, fd_set *writes) {
  fd_set exceptions;
  int largest = -1;
  FD_ZERO(&exceptions);
  (void)MHD_get_fdset(self->daemon, reads, writes, &exceptions, &largest);
  return largest;
}

bool server_poller_is_ready(const server_poller *self) {
  struct timeval no_wait = {0, 0};
  fd_set reads, writes;
  int largest;
  FD_ZERO(&reads);
  FD_ZERO(&writes);
  largest = add_daemon(self, &reads, &writes);
  return largest >= 0 && select(largest + 1, &reads, &writes, NULL, &no_wait) > 0;
}

bool server_poller_add(server_poller *self, int fd) {
  errno = EMFILE;
  if (fd >= SERVER_POLLER_DESCRIPTORS_MAX) return false;
  FD_SET(fd, &self->added);
  return true;
}

void server_poller_remove(server_poller *self, int fd) {
  FD_CLR(fd, &self->added);
}

void server_poller_wake_at(server_poller *self, long long at, long long now) {
  (void)now;
  self->wakes_at = at == LLONG_MAX ? 0 : at;
}

void server_poller_list(const server_poller *self, fd_set *reads, fd_set *writes) {
  *reads = self->added;
  FD_ZERO(writes);
  if (!self->is_spinning) (void)add_daemon(self, reads, writes);
}

#endif
