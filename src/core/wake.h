/*
** wake.h: a thread that wakes an event loop which can wait for sockets that it has connected itself, and for nothing
** else, such as nginx's. The loop connects to a UNIX socket and reads from it; the thread waits for other descriptors
** and for a time, and then writes a byte. It touches nothing else: the loop's thread calls everything here.
**
** After a byte, none is sent until wake_take was called. So the loop calls wake_take before it looks for what is ready:
** what becomes ready after that causes another byte.
*/
#ifndef APIVIDEO_WAKE_H
#define APIVIDEO_WAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

typedef struct wake {
  bool is_open;
  pid_t pid;             /* the process that opened it */
  int set;               /* of descriptors: edges.h */
  int timer_fd, stop_fd; /* both in the set */
  int listening;         /* the UNIX socket, or -1: its files are removed */
  int fd;                /* the thread's end of the connection, or -1 */
  bool is_signalled;     /* a byte was sent, and wake_take was not called since: atomic */
  bool has_thread;
  pthread_t thread;
  struct sockaddr_un address; /* of the UNIX socket, in a directory of its own */
} wake;

/* Opens a UNIX socket in a new directory, which only this user can access, in the directory of temporary files. The
   caller has zeroed `self`, and must not move it. Returns NULL, or the problem. */
const char *wake_open(wake *self);
/* Accepts the loop's connection, which must be complete, removes socket and directory, and starts the thread. Another
   process' connection is closed. Returns NULL, or the problem; the caller then closes it. */
const char *wake_accept(wake *self);
/* Whether it is open, and this process opened it. */
bool wake_is_ours(const wake *self);
/* Sends a byte, unless one is under way. */
void wake_notify(wake *self);
/* To be called when the loop has received a byte. */
void wake_take(wake *self);
/* Sends a byte in `seconds` (more than 0), instead of when the last call of this function said. */
void wake_arm(wake *self, double seconds);
/* Ends the thread, and frees everything. May be called again, and in a forked child. */
void wake_close(wake *self);

#endif
