/*
** http.h: HTTP transfers on libcurl's multi interface, without Lua.
**
** A pool drives any number of transfers and reuses connections between them. The caller owns both structures:
** it zeroes them first and must not move them. A pool refers to its transfers and each transfer to its
** pool, so either may be closed first.
**
** The files, each of which includes only files above it, besides common/:
**   http_problem     texts of failed calls
**   http_buffer      bytes that are appended to
**   http_features    what this libcurl can do
**   http_header      the header lines of a request
**   http_response    the response: headers, message framing, body
**   http_sockets     the open sockets of a pool
**   http_trust       which certificates a request trusts
**   http_url         the normal form of URLs
**   http_transfer.h  the structures: pool, transfer, request
**   http_failure     the kinds of errors
**   http_message     what an error says
**   http_check       checks of a request
**   http_options     a request as libcurl's options
**   http_resend      no request is sent twice silently
**   http_handle      a pool's libcurl handles
**   http             pools and transfers
*/
#ifndef APIVIDEO_HTTP_H
#define APIVIDEO_HTTP_H

#include "http_failure.h"
#include "http_message.h"
#include "http_problem.h"
#include "http_transfer.h"

/* Opens the zeroed pool. Returns NULL, or the problem. */
const char *http_pool_open(http_pool *pool);
/* Whether the pool is open, and this process opened it. */
bool http_pool_usable(const http_pool *pool);
/* Whether another process opened the pool. */
bool http_pool_forked(const http_pool *pool);
/* Cancels running transfers and frees everything. May be called again, on a zeroed pool, after a failed open,
   and in a process that was forked since. */
void http_pool_close(http_pool *pool);
/* Drives the transfers, waiting up to `timeout` milliseconds for them or for one of `fds`, and sets `revents`
   of these. Returns NULL, or the problem. */
const char *http_pool_step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout);
/* The milliseconds after which the pool needs a step even if no socket becomes ready; -1: it needs none. For a caller
   that watches the sockets by http_sockets_watch. */
int http_pool_timeout(http_pool *pool);
/* Takes the next finished transfer; NULL if there is no other. */
http_transfer *http_pool_take(http_pool *pool);
/* Takes a finished transfer, unless it was taken before. */
void http_take(http_transfer *transfer);

/* Prepares a new transfer, which has its headers already. Returns NULL, or the problem (possibly in
   `transfer`); the caller then closes the transfer. */
const char *http_prepare(http_pool *pool, http_transfer *transfer, const http_request *request);
/* Hands a prepared transfer to the pool, which may send it at once. Returns NULL, or the problem. */
const char *http_start(http_pool *pool, http_transfer *transfer);
/* Stops the transfer if it runs, and frees what it holds, except the fields that describe its end. May be
   called again. */
void http_close(http_transfer *transfer);

#endif
