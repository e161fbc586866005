/*
** http_sigpipe.h: no SIGPIPE from libcurl.
**
** libcurl before 7.87.0 lets OpenSSL write to a connection that the peer has reset, which raises SIGPIPE
** and ends the process. The disposition of a signal belongs to the process, so it is not changed: the calling
** thread blocks SIGPIPE around the calls that may write, and removes a SIGPIPE that they left pending. That
** takes three system calls each time, together less than a microsecond. It is done with every version of
** libcurl, so that there is one path to test, and other TLS libraries are covered, too.
*/
#ifndef APIVIDEO_HTTP_SIGPIPE_H
#define APIVIDEO_HTTP_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

typedef struct http_sigpipe {
  sigset_t mask;    /* the thread's, before */
  bool was_pending; /* a SIGPIPE was pending before */
} http_sigpipe;

/* Blocks SIGPIPE in this thread. Calls may be nested. */
void http_sigpipe_block(http_sigpipe *saved);
/* Removes a SIGPIPE that was raised since, and restores the thread's mask. Preserves `errno`. */
void http_sigpipe_restore(const http_sigpipe *saved);

#endif
