/*
** signals.h: SIGINT and SIGTERM as a descriptor that an event loop waits for. Knows no Lua.
**
** A process has one disposition of a signal, so one catcher at a time has the two. All else stays as it
** was: no other signal is touched, none is blocked, and programs that the process starts have the default
** dispositions. A forked child does not inherit the catching: the signal has the disposition from before.
*/
#ifndef APIVIDEO_SIGNALS_H
#define APIVIDEO_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#define SIGNALS_COUNT 2

typedef struct signals {
  bool installed;
  pid_t pid; /* the process that installed it */
  int fd;    /* can be read once a signal has come */
  int write_fd;
  struct sigaction before[SIGNALS_COUNT];
  bool blocked[SIGNALS_COUNT]; /* whether the thread had blocked them before */
} signals;

/*
** From now on the signals make `fd` readable instead of ending the process. `self` is zeroed by the caller.
** NULL, or why not.
*/
const char *signals_open(signals *self);

/* False in a forked child, where nothing comes of it. */
bool signals_is_ours(const signals *self);

/* Whether a signal has come since the last call. */
bool signals_caught(signals *self);

/* Restores what was before. May be called again, and in a forked child. */
void signals_close(signals *self);

#endif
