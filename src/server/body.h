/*
** body.h: the bodies of requests while they are received.
*/
#ifndef APIVIDEO_BODY_H
#define APIVIDEO_BODY_H

#include "server_internal.h"

/* How many bytes beyond max_body are read and discarded, so that the client receives the 413. */
#define SERVER_BODY_DISCARD_MAX ((size_t)64 * 1024 * 1024)

/* Adds a part of a body; false to close the connection. */
bool server_body_add(server *self, server_request *request, const char *data, size_t len);
/* Frees its memory. */
void server_body_free(server *self, server_request *request);

/* Checks for stalled requests from now on: a chunked one was accepted. */
void server_body_watch_stalls(server *self);
/* Ends stalled requests, if it is time to check. */
void server_body_end_stalled(server *self);

#endif
