/*
** http_connection.h: what happens between a connection and a request. For http.c alone.
**
** libcurl sends a request a second time, by itself, when a kept-alive connection ends before any
** answer came. The peer may have done the first by then: a POST would be done twice. So here the
** transfer is stopped instead, unless nothing of the first was sent; and a kept-alive connection is
** looked at once more before a request goes out on it, so that this remains rare.
**
** A GET over HTTP/2 may be sent again. A server that has had enough of a connection refuses the
** requests that are on their way, undone, and libcurl does not tell that from other ends.
*/
#ifndef APIVIDEO_HTTP_CONNECTION_H
#define APIVIDEO_HTTP_CONNECTION_H

#include "http.h"

/* Has libcurl tell about sockets and requests. `easy` is a new handle of the pool's. */
CURLcode http_watch_handle(CURL *easy, http_pool *pool);
/* Points that at a transfer of the pool. */
CURLcode http_watch_transfer(http_transfer *transfer, const http_request *request);
/* Closes the descriptors of all connections. For a forked child: the connections are the parent's, and
   libcurl's memory, which this does not touch, must not be used any more. */
void http_close_sockets(http_pool *pool);
/* Has a transfer open a connection of its own. */
CURLcode http_renew(http_transfer *transfer);
/* Learns from a transfer that has ended what its connection is. */
void http_learn(const http_transfer *transfer);
/* Whether any byte of a transfer that has a handle may have reached the peer. */
bool http_was_sent(const http_transfer *transfer);

#endif
