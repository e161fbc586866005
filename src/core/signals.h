/*
** signals.h: SIGINT and SIGTERM as a descriptor that an event loop waits for, without Lua.
**
** A process has one disposition for each signal, so one catcher at a time has both. Nothing else changes: no other
** signal is caught, none is blocked, and programs that the process starts have the default dispositions. A forked
** child does not catch them: its signals have the dispositions from before.
*/
#ifndef APIVIDEO_SIGNALS_H
#define APIVIDEO_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#define SIGNALS_COUNT 2

typedef struct signals {
  bool installed;
  pid_t pid; /* the process that opened it */
  int fd;    /* readable once a signal was caught */
  int write_fd;
  struct sigaction before[SIGNALS_COUNT];
  bool blocked[SIGNALS_COUNT]; /* whether the thread blocked them before */
} signals;

/* Catches the signals: they make `fd` readable instead of ending the process. The caller has zeroed `self`. Returns
   NULL, or the problem. */
const char *signals_open(signals *self);

/* Whether this process catches the signals with it: false in a forked child. */
bool signals_is_ours(const signals *self);

/* Whether a signal was caught since the last call. */
bool signals_caught(signals *self);

/* Restores the dispositions from before. May be called again, and in a forked child. */
void signals_close(signals *self);

#endif
