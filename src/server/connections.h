/*
** connections.h: the deadlines of connections, and which of them are closed for incoming ones.
*/
#ifndef APIVIDEO_CONNECTIONS_H
#define APIVIDEO_CONNECTIONS_H

#include "server_internal.h"

/* The server's part of a libmicrohttpd connection; NULL when memory was out as it was accepted. */
server_connection *server_connection_of(struct MHD_Connection *connection);
/* libmicrohttpd's MHD_NotifyConnectionCallback. */
void server_connections_notify(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code);

/* The connection waits for its next request. */
void server_connections_receive(server *self, struct MHD_Connection *connection);
/* Its request is complete: it has no deadline until there is a response. */
void server_connections_handle(struct MHD_Connection *connection);
/* Its response is ready to be sent. */
void server_connections_send(server *self, struct MHD_Connection *connection);

/* Ends a connection. libmicrohttpd closes it when it is next run. */
void server_connections_end(server *self, struct MHD_Connection *connection);
/* Whether a connection has bytes that were not read. */
bool server_connections_has_unread(struct MHD_Connection *connection);
/* Whether a connection is old enough to be closed after a response when incoming ones wait. */
bool server_connections_may_close(struct MHD_Connection *connection);

/* When the oldest incomplete connection may be evicted; LLONG_MAX if there is no such connection. */
long long server_connections_eviction(const server *self);
/* Evicts that connection. False if it does not exist, is too young, or has unread bytes. */
bool server_connections_evict(server *self);

/* Ends the connections that have passed their deadlines. */
void server_connections_expire(server *self);
/* The next deadline, or LLONG_MAX. */
long long server_connections_deadline(const server *self);

#endif
