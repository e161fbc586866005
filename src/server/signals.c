/*
** SIGINT and SIGTERM as a descriptor that a loop can wait for.
**
** A signalfd sees blocked signals only, and whatever a handler of requests starts (os.execute,
** io.popen) would inherit the block: programs that neither Ctrl-C nor a supervisor could stop. So
** the two stay unblocked and have a handler, which exec puts back to the default. All it does is
** raise SIGURG, which is blocked, ends up in the signalfd, and is one that everybody else ignores.
** That way the handler needs no variable, and a signal that comes before the wait is not lost.
*/
#include "signals.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FORWARDED SIGURG

static void forward(int number) {
  const int kept = errno;
  (void)number;
  (void)kill(getpid(), FORWARDED);
  errno = kept;
}

const char *signals_open(signals *self) {
  struct sigaction action, current;
  sigset_t urgent, stopping;
  if (self->installed) return NULL;
  if (sigaction(SIGINT, NULL, &current) == 0 && current.sa_handler == forward)
    return "SIGINT and SIGTERM are caught by another server of this process";
  (void)sigemptyset(&urgent);
  (void)sigaddset(&urgent, FORWARDED);
  (void)sigemptyset(&stopping);
  (void)sigaddset(&stopping, SIGINT);
  (void)sigaddset(&stopping, SIGTERM);
  self->fd = signalfd(-1, &urgent, SFD_NONBLOCK | SFD_CLOEXEC);
  if (self->fd < 0) return strerror(errno);
  self->installed = true;
  (void)pthread_sigmask(SIG_BLOCK, &urgent, &self->mask);
  memset(&action, 0, sizeof action);
  action.sa_handler = forward;
  action.sa_flags = SA_RESTART;
  (void)sigaction(SIGINT, &action, &self->on_int);
  (void)sigaction(SIGTERM, &action, &self->on_term);
  (void)pthread_sigmask(SIG_UNBLOCK, &stopping, NULL);
  return NULL;
}

bool signals_caught(signals *self) {
  struct signalfd_siginfo info;
  return self->installed && read(self->fd, &info, sizeof info) == (ssize_t)sizeof info;
}

void signals_close(signals *self) {
  if (!self->installed) return;
  self->installed = false;
  (void)sigaction(SIGINT, &self->on_int, NULL);
  (void)sigaction(SIGTERM, &self->on_term, NULL);
  (void)pthread_sigmask(SIG_SETMASK, &self->mask, NULL);
  (void)close(self->fd);
}
