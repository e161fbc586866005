/*
** server.h: an HTTP server on libmicrohttpd, driven from outside. Knows no Lua.
**
** A request is collected whole, and waits to be taken. It is answered later, by id; an id whose request
** is gone is harmless. After requests were taken, the server is run again: to send the answers that are
** there by then, and to suspend the connections of the other requests.
*/
#ifndef APIVIDEO_SERVER_H
#define APIVIDEO_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <microhttpd.h>

#include "signals.h"

typedef struct server_header {
  const char *name, *value;
  size_t name_len, value_len;
} server_header;

typedef struct server server;
typedef struct server_queue server_queue;

/* A client's connection. Its request must be there within the server's timeout, and so must its
   answer be taken; while a request is handled, it is in no queue, and waits for us. */
typedef struct server_connection {
  struct MHD_Connection *connection;
  struct server_request *request; /* the present one, or NULL */
  int fd;
  char peer[64]; /* the client's numeric address */
  server_queue *queue;
  struct server_connection *next, *previous; /* in the queue */
  long long deadline;                        /* in milliseconds */
  bool ended;                                /* by us; libmicrohttpd has not noticed yet */
} server_connection;

/* In the order of their deadlines. */
struct server_queue {
  server_connection *first, *last;
};

typedef struct server_request {
  server *owner;
  struct server_request *next; /* among those that are ready, or that are held */
  long long id;                /* 0 until its headers have come */
  struct MHD_Connection *connection;
  const char *method, *peer; /* libmicrohttpd's, and the connection's, as long as the request lives */
  char *target;
  server_header *headers;
  size_t header_count;
  char *body;
  size_t body_len, body_size;
  long long progressed; /* when a part of the body came, in milliseconds */
  bool chunked, too_large, complete;
  bool suspended; /* its connection is, or was until it was to go on */
  bool cut, held;
  struct MHD_Response *draft, *response;
  unsigned status;
} server_request;

/* Zeroed by the caller, who must not move it. */
struct server {
  struct MHD_Daemon *daemon;
  int epoll, timer, listening; /* descriptors, or -1 */
  bool inviting, quiesced;     /* whether newcomers wake the server; whether there are none any more */
  long long timer_at;          /* when the timer ends, in milliseconds; 0: it is not armed */
  long long accept_at;         /* when it is worth to try again, after the system had no room; or 0 */
  unsigned idle_calls;         /* of server_run: there was work, and nothing was done that we see */
  bool progressed;             /* whether libmicrohttpd has called since this was last cleared */
  signals signals;
  char host[64];     /* the numeric address */
  unsigned port;
  size_t max_body;
  unsigned timeout; /* seconds */
  size_t connections, max_connections;
  server_queue waiting, answering; /* for the rest of a request; for an answer to be taken */
  size_t body_memory;              /* of all requests that were not taken yet */
  server_request **slots;          /* requests by id % slot_count */
  size_t slot_count, active;
  long long last_id;
  server_request *ready, **ready_end;
  server_request *held; /* by server_cut */
  long long refusals;   /* how many connections are still to be refused */
  struct MHD_Response *empty; /* an answer without headers and body, for all */
  long long unsent_since;     /* when the first of the answers came that are not sent yet; or 0 */
  char error[160];
};

typedef enum { SERVER_CLOSE, SERVER_RESET, SERVER_HOLD } server_ending;

typedef struct server_options {
  const char *host;
  unsigned port;
  size_t max_body;
  unsigned timeout, max_connections;
} server_options;

/* Starts listening; false with a message in `error`. */
bool server_open(server *self, const server_options *options);
/* Makes SIGINT and SIGTERM come as a result of server_run until it is closed. */
bool server_catch_signals(server *self);
/* Does what there is to do, without waiting. Returns whether a signal has come. */
bool server_run(server *self);
/* Takes the first of the requests that are ready out of their queue. It stays the server's. */
void server_take(server *self);
/* The request with an id that waits for its answer, or NULL. */
server_request *server_find(server *self, long long id);
/* Begins an answer, copying the body; false when memory is out. */
bool server_draft(server_request *request, const char *body, size_t len);
/* Adds a header to it; false when it may not be sent, or memory is out. */
bool server_draft_header(server_request *request, const char *name, const char *value);
/* Sends it. */
void server_send(server_request *request, unsigned status);
/* Has libmicrohttpd ask once more what becomes of a request. */
void server_go_on(server_request *request);
/* Instead of an answer: sends bytes as they are, as far as the socket takes them at once, and ends
   the connection in some way. One that is held stays until its client leaves or the port closes. */
void server_cut(server_request *request, const char *bytes, size_t len, server_ending ending);
/* Closes that many more of the next connections as soon as they are made; 0: none any more. */
void server_refuse(server *self, long long connections);
/* Closes the port; connections go on. */
void server_stop_accepting(server *self);
/* Ends everything, whatever is under way. May be called twice, and after a failed open. */
void server_close(server *self);
/* Keeps what has failed as `error`, and is false. */
bool server_fail(server *self, const char *what, const char *why);

#endif
