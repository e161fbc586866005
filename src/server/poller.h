/*
** poller.h: all that a server waits for: descriptors that can be read, libmicrohttpd, and a time.
**
** On Linux, one descriptor stands for all (epoll). On other systems, and with APIVIDEO_POLL defined, the
** event loop asks for the list before each wait. libmicrohttpd then uses select(), so that each descriptor
** must be below FD_SETSIZE.
*/
#ifndef APIVIDEO_POLLER_H
#define APIVIDEO_POLLER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/select.h>
#include <sys/types.h>

#include "../common/compat_mhd.h"
#include "../common/compat_system.h"

/* Opened by poller_open, which must come first. */
typedef struct poller {
  long long wakes_at; /* when it wakes without an event, in milliseconds; 0: not at all */
  bool
      is_spinning; /* set by the server: libmicrohttpd leaves events unhandled; only the time wakes it */
#ifndef APIVIDEO_POLL
  int set, timer, daemon_set; /* descriptors, or -1; the last is libmicrohttpd's */
#else
  struct MHD_Daemon *daemon;
  fd_set added;
#endif
} poller;

/* False with errno. */
bool poller_open(poller *self);
/* Closes its descriptors; in a forked child also libmicrohttpd's set, which MHD_stop_daemon closes elsewhere. */
void poller_close(poller *self, bool is_forked);

/* libmicrohttpd's flag for this kind of polling; and waits for a daemon started with it: false with errno. */
unsigned poller_daemon_flag(void);
bool poller_set_daemon(poller *self, struct MHD_Daemon *daemon);

/* Whether libmicrohttpd has events to handle that its MHD_get_timeout does not tell. */
bool poller_is_ready(const poller *self);

/* Wakes whenever a descriptor can be read; false with errno. */
bool poller_add(poller *self, int fd);
/* To be called before the descriptor is closed. */
void poller_remove(poller *self, int fd);
/* Wakes at a time, perhaps earlier; LLONG_MAX: at none. */
void poller_wake_at(poller *self, long long at, long long now);

/* How many descriptors a process that uses it may have. */
#ifndef APIVIDEO_POLL
#define POLLER_DESCRIPTORS_MAX INT_MAX
#else
#define POLLER_DESCRIPTORS_MAX FD_SETSIZE
/* The descriptors that wake it when they can be read, and those when they can be written. */
void poller_list(const poller *self, fd_set *reads, fd_set *writes);
#endif

#endif
