/*
** No SIGPIPE from a library: see sigpipe.h.
*/
#include "sigpipe.h"

#include <errno.h>
#include <time.h>

#include "compat_system.h"

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void set_of_sigpipe(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGPIPE);
}

/* Removes a pending SIGPIPE of this thread. */
static void remove_pending(const sigset_t *set) {
#ifndef APIVIDEO_POLL /* macOS and OpenBSD have no sigtimedwait */
  static const struct timespec no_wait = {0, 0};
  /* Not sigwait, which would block if another thread took a SIGPIPE that was pending for the process. */
  while (sigtimedwait(set, NULL, &no_wait) < 0 && errno == EINTR) continue;
#else
  int number;
  if (is_pending()) (void)sigwait(set, &number);
#endif
}

void sigpipe_block(sigpipe_mask *saved) {
  sigset_t set;
  set_of_sigpipe(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, &saved->mask);
  /* A signal that was not blocked cannot have been pending. */
  saved->was_pending = sigismember(&saved->mask, SIGPIPE) == 1 && is_pending();
}

void sigpipe_restore(const sigpipe_mask *saved) {
  const int error = errno;
  sigset_t set;
  set_of_sigpipe(&set);
  if (!saved->was_pending) remove_pending(&set);
  (void)pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
  errno = error;
}
