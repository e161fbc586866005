/*
** listening.h: the port, and which connections are accepted.
*/
#ifndef APIVIDEO_LISTENING_H
#define APIVIDEO_LISTENING_H

#include "server.h"

/* Connections taken in one go; so many more than there may be can exist, ended but not closed yet. */
#define ACCEPT_MAX 16

/* Opens the port; false with a message in `error`. */
bool listening_open(server *self, const server_options *options);
/* Accepts connections that wait, as far as there is room or can be made; whether it has. To be called after
   libmicrohttpd has read what connections have sent, since incomplete ones may be evicted. */
bool listening_accept(server *self);
/* When that is to be done next although no event says so; LLONG_MAX: not. */
long long listening_retry(const server *self);
/* Whether connections wait to be accepted and find no place. */
bool listening_is_crowded(const server *self);
/* Closes the port. */
void listening_close(server *self);

#endif
