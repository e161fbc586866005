/*
** sigpipe.h: no SIGPIPE from libcurl or OpenSSL.
**
** libcurl before 7.87.0 lets OpenSSL write to a connection that the peer has reset, which raises SIGPIPE
** and ends the process. The disposition of a signal belongs to the process, so it is not changed: the calling
** thread blocks SIGPIPE around the calls that may write, and removes a SIGPIPE that they left pending. That
** takes three system calls each time, together less than a microsecond. It is done with every version of
** libcurl, so that there is one path to test, and other TLS libraries are covered, too.
*/
#ifndef APIVIDEO_SIGPIPE_H
#define APIVIDEO_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

typedef struct sigpipe_mask {
  sigset_t mask;    /* the thread's, before */
  bool was_pending; /* a SIGPIPE was pending before */
} sigpipe_mask;

/* Blocks SIGPIPE in this thread. Calls may be nested. */
void sigpipe_block(sigpipe_mask *saved);
/* Removes a SIGPIPE that was raised since, and restores the thread's mask. Preserves `errno`. */
void sigpipe_restore(const sigpipe_mask *saved);

#endif
