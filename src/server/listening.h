/*
** listening.h: the port, and which connections are accepted.
*/
#ifndef APIVIDEO_LISTENING_H
#define APIVIDEO_LISTENING_H

#include "server_internal.h"

/* Connections accepted in one iteration. So many can exist beyond max_connections: ended, but not closed by
   libmicrohttpd yet. */
#define SERVER_ACCEPT_MAX 16

/* Opens the port; false with an error. */
bool server_listening_open(server *self, const server_options *options);
/* Accepts incoming connections as far as they can be admitted; whether it has accepted one. To be called
   after libmicrohttpd has read what connections have sent, because incomplete ones may be evicted. */
bool server_listening_accept(server *self);
/* When to call server_listening_accept next although no event wakes the server; LLONG_MAX: never. */
long long server_listening_retry(const server *self);
/* Whether incoming connections wait that cannot be admitted. */
bool server_listening_is_crowded(const server *self);
/* Closes the port. */
void server_listening_close(server *self);

#endif
