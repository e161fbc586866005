#ifndef APIVIDEO_SIGNALS_H
#define APIVIDEO_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* What was before, to be put back. All zero: not installed. */
typedef struct {
  bool installed;
  int fd;
  sigset_t mask;
  struct sigaction on_int, on_term;
} signals;

/*
** From now on SIGINT and SIGTERM make `fd` readable instead of ending the process. NULL, or why not:
** a process has one set of signals, so only one may catch them at a time.
*/
const char *signals_open(signals *self);

/* Whether one of them has come since the last call. */
bool signals_caught(signals *self);

/* Puts everything back. May be called again. */
void signals_close(signals *self);

#endif
