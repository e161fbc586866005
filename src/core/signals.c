/*
** SIGINT and SIGTERM for an event loop: see signals.h.
**
** The handler writes to a pipe. (A signal descriptor needs blocked signals, and programs that os.execute or io.popen
** start would inherit the block: neither Ctrl-C nor a supervisor could stop them.) The handler may run in any thread of
** the process and, until exec, in a forked child. The child shares the pipe, so there the handler restores the previous
** disposition and raises the signal again.
*/
#include "signals.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../common/descriptors.h"

/* A signal that is unread for longer means that the loop is blocked: the next signal ends the process. */
#define BLOCKED_S 1

static const int numbers[SIGNALS_COUNT] = {SIGINT, SIGTERM};

/* The handler's data. A disposition belongs to the process, so this cannot belong to a Lua state. */
static struct {
  /* The installed catcher, or NULL. In a forked child: the parent's, until the child closes it. */
  signals *volatile catcher;
  volatile int running; /* threads in the handler: the catcher must not be freed until it is 0 */
  volatile bool atfork; /* forget_threads is installed */
  volatile sig_atomic_t pending; /* a signal was caught and is unread */
  time_t caught_at;              /* when the first unread signal was caught, in seconds */
} caught;

static time_t now_s(void) {
  struct timespec time = {0, 0};
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

/* Restores the previous disposition of the signal `number`, and raises the signal again. */
static void pass_on(const signals *catcher, int number) {
  int i;
  for (i = 0; i < SIGNALS_COUNT; i++)
    if (numbers[i] == number) (void)sigaction(number, &catcher->before[i], NULL);
  (void)raise(number); /* delivered when the handler returns */
}

static void on_signal(int number) {
  const int saved = errno;
  const signals *catcher;
  (void)__sync_add_and_fetch(&caught.running, 1);
  catcher = caught.catcher;
  if (catcher != NULL && catcher->pid != getpid()) {
    pass_on(catcher, number);
  } else if (catcher != NULL) {
    /* A blocked loop would not react, so the process is ended here; by _exit, because the kernel ignores a signal with
       the default disposition for PID 1. */
    if (caught.pending != 0 && now_s() - caught.caught_at > BLOCKED_S) _exit(128 + number);
    if (caught.pending == 0) caught.caught_at = now_s();
    caught.pending = 1;
    (void)write(catcher->write_fd, "", 1); /* a full pipe is readable, too */
  }
  (void)__sync_sub_and_fetch(&caught.running, 1);
  errno = saved;
}

/* Blocks or unblocks a signal in this thread. Returns whether it was blocked before; false on failure. */
static bool set_blocked(int number, bool blocked) {
  sigset_t set, before;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, number);
  if (pthread_sigmask(blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, &before) != 0) return false;
  return sigismember(&before, number) == 1;
}

static void close_pipe(const signals *self) {
  (void)close(self->fd);
  (void)close(self->write_fd);
}

/* In a forked child, the parent's threads do not exist: signals_close would wait forever for those that were in the
   handler. */
static void forget_threads(void) {
  caught.running = 0;
}

const char *signals_open(signals *self) {
  struct sigaction action;
  int ends[2], i;
  if (self->installed) return NULL;
  if (caught.catcher != NULL && caught.catcher->pid != getpid()) signals_close(caught.catcher);
  descriptors_fill();
  if (!caught.atfork) caught.atfork = pthread_atfork(NULL, NULL, forget_threads) == 0;
  if (!descriptors_pipe(ends)) return strerror(errno);
  self->fd = ends[0];
  self->write_fd = ends[1];
  self->pid = getpid();
  if (!__sync_bool_compare_and_swap(&caught.catcher, NULL, self)) {
    close_pipe(self);
    return "SIGINT and SIGTERM are already caught, perhaps by another Lua state of this process; "
           "close that catcher first";
  }
  self->installed = true;
  caught.pending = 0;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (i = 0; i < SIGNALS_COUNT; i++) {
    (void)sigaction(numbers[i], &action, &self->before[i]);
    self->blocked[i] = set_blocked(numbers[i], false);
  }
  return NULL;
}

bool signals_is_ours(const signals *self) {
  return self->installed && self->pid == getpid();
}

bool signals_caught(signals *self) {
  char bytes[64];
  bool found = false;
  if (!signals_is_ours(self)) return false;
  while (read(self->fd, bytes, sizeof bytes) > 0) found = true;
  /* Cleared after the read, not before: a signal that is caught in between would be read but leave `pending` set, and a
     later signal would end the process. */
  caught.pending = 0;
  return found;
}

void signals_close(signals *self) {
  int i;
  if (!self->installed) return;
  self->installed = false;
  for (i = 0; i < SIGNALS_COUNT; i++) {
    struct sigaction current;
    /* A handler that was installed since is left in place. */
    if (sigaction(numbers[i], NULL, &current) == 0 && current.sa_handler == on_signal)
      (void)sigaction(numbers[i], &self->before[i], NULL);
    if (self->blocked[i]) (void)set_blocked(numbers[i], true);
  }
  (void)__sync_bool_compare_and_swap(&caught.catcher, self, NULL);
  while (caught.running > 0) (void)sched_yield();
  close_pipe(self);
}
