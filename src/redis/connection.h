/*
** connection.h: a connection to a Redis server that never blocks. It has these states:
**
**   resolving     the lookup of the host's name runs in a thread
**   connecting    the socket connects to one of the addresses; after a failure, to the next one
**   handshaking   TLS
**   open          a command can be sent, one at a time: the next one after the reply
**   closed        after a failure, or connection_close
**
** connection_step does all that is possible now. The caller then waits until the descriptor of connection_interest is
** ready, and has time limits of its own. A command may be given in any state but closed; it is sent once the connection
** is open. After a fork, the child can only close it.
*/
#ifndef APIVIDEO_REDIS_CONNECTION_H
#define APIVIDEO_REDIS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lookup.h"
#include "replies.h"
#include "tls.h"

typedef enum connection_state {
  CONNECTION_CLOSED,
  CONNECTION_RESOLVING,
  CONNECTION_CONNECTING,
  CONNECTION_HANDSHAKING,
  CONNECTION_OPEN
} connection_state;

/* The result of connection_step. */
typedef enum connection_progress {
  CONNECTION_FAILED,  /* it is closed now; `problem` says why */
  CONNECTION_WAITING, /* for the server */
  CONNECTION_IDLE,    /* it is open, and no command waits for a reply */
  CONNECTION_REPLIED  /* connection_take_reply has the reply */
} connection_progress;

typedef struct connection_options {
  const char *host;    /* a name or an address; NULL: `path` */
  unsigned port;       /* 1 to 65535 */
  const char *path;    /* of a Unix socket */
  bool uses_tls;       /* only with a host */
  const char *ca_file; /* the trusted certificates; NULL: the system's */
  size_t reply_max;    /* bytes of one reply */
} connection_options;

typedef struct connection {
  connection_state state;
  pid_t process; /* that opened it */
  int fd;        /* the socket, or -1 */
  bool uses_tls;
  lookup *lookup;              /* NULL once it is not needed */
  const struct addrinfo *next; /* the address to try after this one; it belongs to the lookup */
  tls tls;
  char *output; /* the command to send; NULL once it is sent */
  size_t output_len, output_sent;
  bool is_pending; /* a command waits for its reply */
  bool has_input;  /* bytes may be ready that the descriptor does not report */
  replies replies;
  redisReply *reply; /* that was not taken yet */
  char problem[256]; /* why it was closed */
} connection;

/* Starts to connect. `self` must be zeroed, and must not be moved. Returns false, with `problem`, on failure. */
bool connection_open(connection *self, const connection_options *options);
/* Idempotent. Sends nothing. */
void connection_close(connection *self);
/* Closes it if a parent process has opened it. */
void connection_close_if_forked(connection *self);

/* Whether a command can be given now. */
bool connection_is_ready(const connection *self);
/* Whether it is open and idle, and the server has neither closed it nor sent anything. */
bool connection_is_usable(connection *self);
/* Gives a command, of which a copy is made. Returns false if memory is out. */
bool connection_send(connection *self, int count, const char **words, const size_t *lens);
connection_progress connection_step(connection *self);
/* The reply, which the caller must free; NULL if it has not arrived. */
redisReply *connection_take_reply(connection *self);

/* The descriptor to wait for; -1: none. `writes`: until it is writable, otherwise readable. `at_once`: call
   connection_step without a wait. */
int connection_interest(const connection *self, bool *writes, bool *at_once);

#endif
