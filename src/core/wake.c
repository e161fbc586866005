/*
** A thread that wakes an event loop: see wake.h.
*/
#include "wake.h"

#include "../common/compat_system.h"
#include "../common/edges.h"

#ifndef APIVIDEO_POLL

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../common/descriptors.h"

#define BACKLOG 8
#define NS_PER_S 1000000000.0

/* ---- the socket ---- */

/* The directory of a socket's path, which is changed for that; the caller restores the slash that this returns. */
static char *cut_name(wake *self) {
  char *const slash = strrchr(self->address.sun_path, '/');
  *slash = '\0';
  return slash;
}

/* Closes the UNIX socket and removes its files. */
static void stop_listening(wake *self) {
  if (self->listening < 0) return;
  (void)close(self->listening);
  self->listening = -1;
  if (self->pid != getpid()) return;
  (void)unlink(self->address.sun_path);
  (void)cut_name(self);
  (void)rmdir(self->address.sun_path);
}

/* Creates the directory, and writes the path of the socket in it. */
static bool make_directory(wake *self) {
  const char *const variable = getenv("TMPDIR");
  const char *const parent = variable != NULL && variable[0] != '\0' ? variable : "/tmp";
  char *const path = self->address.sun_path;
  const size_t size = sizeof self->address.sun_path;
  const int len = snprintf(path, size, "%s/apivideo-XXXXXX", parent);
  errno = ENAMETOOLONG;
  if (len < 0 || (size_t)len + sizeof "/wake" > size || mkdtemp(path) == NULL) return false;
  (void)memcpy(path + len, "/wake", sizeof "/wake");
  return true;
}

static bool listen_in_directory(wake *self) {
  if (!make_directory(self)) return false;
  self->address.sun_family = AF_UNIX;
  self->listening = descriptors_socket(AF_UNIX);
  if (self->listening >= 0 &&
      bind(self->listening, (const struct sockaddr *)&self->address, sizeof self->address) == 0 &&
      listen(self->listening, BACKLOG) == 0)
    return true;
  {
    const int problem = errno;
    if (self->listening < 0) {
      (void)cut_name(self);
      (void)rmdir(self->address.sun_path);
    }
    errno = problem;
  }
  return false;
}

/* Whether a connection comes from this process. */
static bool is_from_here(int fd) {
  struct ucred peer;
  socklen_t len = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid();
}

/* ---- the thread ---- */

void wake_notify(wake *self) {
  if (__atomic_exchange_n(&self->is_signalled, true, __ATOMIC_SEQ_CST)) return;
  /* It cannot fail for lack of space: this is the only byte. When the loop has closed its end, it closes this, too. */
  (void)send(self->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void *run(void *argument) {
  wake *const self = argument;
  while (edges_wait(self->set, self->stop_fd)) wake_notify(self);
  return NULL;
}

/* Starts the thread, which handles no signal of the process. Returns an error number, or 0. */
static int start_thread(wake *self) {
  sigset_t all, before;
  int problem;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  problem = pthread_create(&self->thread, NULL, run, self);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  self->has_thread = problem == 0;
  return problem;
}

/* ---- both ---- */

const char *wake_open(wake *self) {
  descriptors_fill();
  self->is_open = true;
  self->pid = getpid();
  self->listening = self->fd = -1;
  self->set = edges_open();
  self->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  self->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (self->set >= 0 && self->timer_fd >= 0 && self->stop_fd >= 0 &&
      edges_add(self->set, self->timer_fd, false) && edges_add(self->set, self->stop_fd, false) &&
      listen_in_directory(self))
    return NULL;
  {
    const char *const problem = strerror(errno);
    wake_close(self);
    return problem;
  }
}

const char *wake_accept(wake *self) {
  int problem;
  assert(wake_is_ours(self) && self->fd < 0);
  do {
    if (self->fd >= 0) (void)close(self->fd);
    self->fd = descriptors_accept(self->listening, NULL, NULL);
    problem = errno;
  } while (self->fd >= 0 && !is_from_here(self->fd));
  stop_listening(self);
  if (self->fd >= 0) problem = start_thread(self);
  return problem == 0 ? NULL : strerror(problem);
}

bool wake_is_ours(const wake *self) {
  return self->is_open && self->pid == getpid();
}

void wake_take(wake *self) {
  __atomic_store_n(&self->is_signalled, false, __ATOMIC_SEQ_CST);
}

void wake_arm(wake *self, double seconds) {
  struct itimerspec time;
  memset(&time, 0, sizeof time);
  assert(seconds > 0);
  time.it_value.tv_sec = (time_t)seconds;
  time.it_value.tv_nsec = (long)((seconds - (double)time.it_value.tv_sec) * NS_PER_S);
  if (time.it_value.tv_sec == 0 && time.it_value.tv_nsec == 0)
    time.it_value.tv_nsec = 1; /* 0 disarms */
  (void)timerfd_settime(self->timer_fd, 0, &time, NULL);
}

static void close_if_open(int fd) {
  if (fd >= 0) (void)close(fd);
}

void wake_close(wake *self) {
  if (!self->is_open) return;
  self->is_open = false;
  if (self->has_thread && self->pid == getpid()) { /* a forked child has no such thread */
    const uint64_t one = 1;
    (void)write(self->stop_fd, &one, sizeof one);
    (void)pthread_join(self->thread, NULL);
  }
  self->has_thread = false;
  stop_listening(self);
  close_if_open(self->fd);
  close_if_open(self->stop_fd);
  close_if_open(self->timer_fd);
  close_if_open(self->set);
}

#else

const char *wake_open(wake *self) {
  (void)self;
  return "this system has no epoll";
}

const char *wake_accept(wake *self) {
  (void)self;
  return "this system has no epoll";
}

bool wake_is_ours(const wake *self) {
  (void)self;
  return false;
}

void wake_notify(wake *self) {
  (void)self;
}

void wake_take(wake *self) {
  (void)self;
}

void wake_arm(wake *self, double seconds) {
  (void)self;
  (void)seconds;
}

void wake_close(wake *self) {
  (void)self;
}

#endif
