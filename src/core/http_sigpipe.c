/*
** No SIGPIPE from libcurl: see http_sigpipe.h.
*/
#include "http_sigpipe.h"

#include <errno.h>

static bool is_pending(void) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

static void set_of_sigpipe(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGPIPE);
}

void http_sigpipe_block(http_sigpipe *saved) {
  sigset_t set;
  set_of_sigpipe(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, &saved->mask);
  /* A signal that was not blocked cannot have been pending. */
  saved->was_pending = sigismember(&saved->mask, SIGPIPE) == 1 && is_pending();
}

void http_sigpipe_restore(const http_sigpipe *saved) {
  const int error = errno;
  if (!saved->was_pending && is_pending()) {
    sigset_t set;
    int number;
    set_of_sigpipe(&set);
    (void)sigwait(&set, &number); /* returns at once: it is pending */
  }
  (void)pthread_sigmask(SIG_SETMASK, &saved->mask, NULL);
  errno = error;
}
