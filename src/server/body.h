/*
** body.h: the bodies of requests, as they come.
*/
#ifndef APIVIDEO_BODY_H
#define APIVIDEO_BODY_H

#include "server.h"

/* How much of a body that is too large is read and thrown away, so that its sender can hear 413. */
#define DISCARD_MAX ((size_t)64 * 1024 * 1024)

/* Takes a part of a body; false to close the connection. */
bool body_add(server *self, server_request *request, const char *data, size_t len);
/* Frees what there is of it. */
void body_free(server *self, server_request *request);

#endif
