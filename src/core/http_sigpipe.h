/*
** http_sigpipe.h: no SIGPIPE from libcurl.
**
** libcurl before 7.87.0 lets OpenSSL write to a connection that the peer has reset, which raises SIGPIPE
** and ends the process. The disposition of a signal belongs to the process, so it stays as it is: the
** calling thread blocks SIGPIPE around the calls that may write, and removes what they left pending.
** Three system calls for each, below a microsecond together: they are made with every libcurl, so
** that one path is tested, and other TLS libraries are covered, too.
*/
#ifndef APIVIDEO_HTTP_SIGPIPE_H
#define APIVIDEO_HTTP_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

typedef struct http_sigpipe {
  sigset_t mask;    /* of the thread, before */
  bool was_pending; /* a SIGPIPE that is not ours */
} http_sigpipe;

/* Blocks SIGPIPE in this thread. May be nested. */
void http_sigpipe_block(http_sigpipe *saved);
/* Removes a SIGPIPE that came since, and restores the thread's mask. Keeps `errno`. */
void http_sigpipe_restore(const http_sigpipe *saved);

#endif
