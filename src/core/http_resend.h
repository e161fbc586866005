/*
** http_resend.h: no request is sent twice silently. For http.c and http_handle.c only.
**
** When a reused connection closes before any byte of the response has arrived, libcurl sends the request again by
** itself. The peer may have processed it already: a POST would be executed twice. So the transfer is stopped
** instead, unless nothing of the request was sent; and a reused connection is checked once more just before a
** request is sent on it, which keeps this rare.
**
** A GET or HEAD over HTTP/2 may be resent: a server that closes a connection (GOAWAY, REFUSED_STREAM) does not
** process the remaining requests, and libcurl does not distinguish that from other closures.
*/
#ifndef APIVIDEO_HTTP_RESEND_H
#define APIVIDEO_HTTP_RESEND_H

#include "http_transfer.h"

/* Installs the callbacks for sockets and requests in `easy`, a new handle of the pool. */
CURLcode http_watch_handle(CURL *easy, http_pool *pool);
/* Directs the callbacks of a transfer's handle at the transfer. */
CURLcode http_watch_transfer(http_transfer *transfer, const http_request *request);
/* Makes a transfer use a new connection when it is started, or started again. */
CURLcode http_renew(http_transfer *transfer);
/* Records which HTTP version the connection of a finished transfer has. */
void http_record_version(const http_transfer *transfer);
/* Whether any byte of a transfer that has a handle may have reached the peer. */
bool http_was_sent(const http_transfer *transfer);

#endif
