/*
** poller.h: what a server waits for: readable descriptors, libmicrohttpd, and a time.
**
** On Linux, epoll combines all of them in one descriptor. On other systems, and with APIVIDEO_POLL defined,
** the event loop asks for the list of descriptors before each wait; libmicrohttpd then uses select(), so
** that each descriptor must be below FD_SETSIZE.
*/
#ifndef APIVIDEO_POLLER_H
#define APIVIDEO_POLLER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/select.h>
#include <sys/types.h>

#include "../common/compat_mhd.h"
#include "../common/compat_system.h"

/* Initialized by server_poller_open. */
typedef struct server_poller {
  long long wakes_at; /* when it wakes without an event, a time of server_now_ms; 0: never */
  /* Set by the server when libmicrohttpd leaves events unhandled: only the time wakes the poller then. */
  bool is_spinning;
#ifndef APIVIDEO_POLL
  int set, timer, daemon_set; /* descriptors, or -1; daemon_set is libmicrohttpd's epoll set */
#else
  struct MHD_Daemon *daemon;
  fd_set added;
#endif
} server_poller;

/* Milliseconds of a monotonic clock. */
long long server_now_ms(void);

/* False with errno. */
bool server_poller_open(server_poller *self);
/* Closes its descriptors. In a forked child, where MHD_stop_daemon must not be called, it also closes
   libmicrohttpd's epoll set. */
void server_poller_close(server_poller *self, bool is_forked);

/* libmicrohttpd's flag for this kind of polling. */
unsigned server_poller_daemon_flag(void);
/* Waits for a daemon that was started with the flag; false with errno. */
bool server_poller_set_daemon(server_poller *self, struct MHD_Daemon *daemon);

/* Whether libmicrohttpd has events to handle that MHD_get_timeout does not report. */
bool server_poller_is_ready(const server_poller *self);

/* Wakes whenever a descriptor is readable; false with errno. */
bool server_poller_add(server_poller *self, int fd);
/* To be called before the descriptor is closed. */
void server_poller_remove(server_poller *self, int fd);
/* Wakes at a time, or earlier; LLONG_MAX: at no time. */
void server_poller_wake_at(server_poller *self, long long at, long long now);

/* The number of descriptors that a process with such a poller may have. */
#ifndef APIVIDEO_POLL
#define SERVER_POLLER_DESCRIPTORS_MAX INT_MAX
#else
#define SERVER_POLLER_DESCRIPTORS_MAX FD_SETSIZE
/* Sets the descriptors to wait for until they are readable, and until they are writable. */
void server_poller_list(const server_poller *self, fd_set *reads, fd_set *writes);
#endif

#endif
