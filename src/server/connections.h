/*
** connections.h: how long connections may stay.
*/
#ifndef APIVIDEO_CONNECTIONS_H
#define APIVIDEO_CONNECTIONS_H

#include "server.h"

/* Milliseconds of a clock that only goes on. */
long long now_ms(void);

/* Ours of one of libmicrohttpd's; NULL when memory was out as it came. */
server_connection *connections_ours(struct MHD_Connection *connection);
/* libmicrohttpd's MHD_NotifyConnectionCallback. */
void connections_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
/* From now on a connection waits for its next request, for nothing, for its answer to be taken. */
void connections_wait(server *self, struct MHD_Connection *connection);
void connections_handle(struct MHD_Connection *connection);
void connections_answer(server *self, struct MHD_Connection *connection);
/* Ends a connection: libmicrohttpd closes it when it is run. */
void connections_end(server *self, struct MHD_Connection *connection);
/* When the oldest incomplete connection may be evicted, or LLONG_MAX. */
long long connections_eviction(const server *self);
/* Evicts that connection. False if there is none, if it is too young, or if it has unread bytes. */
bool connections_evict(server *self);
/* Whether bytes of a connection wait to be read. */
bool connections_has_unread(struct MHD_Connection *connection);
/* Whether it has had its place for so long that it gives it up after a response, when others wait. */
bool connections_may_close(struct MHD_Connection *connection);
/* Ends those whose time is over. */
void connections_expire(server *self);
/* When that is to be done next, or LLONG_MAX. */
long long connections_deadline(const server *self);

#endif
