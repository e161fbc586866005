/*
** server.h: an HTTP server on libmicrohttpd, driven from outside. Knows no Lua.
**
** A request is collected whole, and waits to be taken. Its response comes later, by id; an id whose
** request is gone is harmless. After requests were taken, the server is run again: to send the responses
** that are there by then, and to suspend the connections of the other requests.
**
** No function calls Lua. A request is freed in server_run, server_send, server_cut and server_close, so
** its pointer is not used after any of them.
*/
#ifndef APIVIDEO_SERVER_H
#define APIVIDEO_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../common/compat_mhd.h"
#include "poller.h"

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
  struct server_connection *older, *younger; /* among all of the server */
  long long since, deadline; /* when it was accepted, and must be ready; in milliseconds */
  bool spared;               /* its time has begun again, see connections.c */
  bool ended;                /* by us; libmicrohttpd has not noticed yet */
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
  const char *method,
      *peer; /* libmicrohttpd's, and the connection's, as long as the request lives */
  char *target;
  server_header *headers;
  size_t header_count;
  char *body;
  size_t body_len, body_size;
  bool stalled; /* at the last check, bytes waited to be read; no part of the body has come since */
  bool chunked, too_large, complete, taken;
  bool suspended; /* its connection is, or was until it was to go on */
  bool cut, held;
  struct MHD_Response *draft, *response;
  unsigned status;
} server_request;

/* A request as it is handed to Lua: the strings follow in the same block of memory. */
typedef struct server_copy {
  long long id;
  const char *method, *target, *peer;
  const server_header *headers;
  size_t header_count;
  const char *body;
  size_t body_len;
} server_copy;

/* Zeroed by the caller, and never moved. */
struct server {
  pid_t pid; /* the process that opened it; a forked child only closes it */
  struct MHD_Daemon *daemon;
  poller poller;
  int listening; /* the port's descriptor, or -1 */
  bool inviting,
      quiesced; /* whether incoming connections wake the server; whether it accepts no more */
  long long accept_at;  /* when it is worth to try again, after the system had no room; or 0 */
  long long stalled_at; /* when to check for stalled requests next, while one is chunked; or 0 */
  unsigned idle_calls;  /* of server_run: there was work, and nothing was done that we see */
  bool progressed;      /* whether libmicrohttpd has called since this was last cleared */
  char host[64];        /* the numeric address */
  unsigned port;
  size_t max_body;
  unsigned timeout; /* seconds */
  size_t connections, max_connections;
  size_t
      unclosed; /* connections, and those that were ended and that libmicrohttpd has not closed yet */
  server_connection *open;         /* all connections, the youngest first */
  server_queue waiting, answering; /* for the rest of a request; for an answer to be taken */
  size_t body_memory;              /* of all requests that were not taken yet */
  server_request **slots;          /* requests by id % slot_count */
  size_t slot_count, active;
  long long last_id;
  server_request *ready, **ready_end;
  server_request *held;       /* by server_cut */
  long long refusals;         /* how many connections are still to be refused */
  struct MHD_Response *empty; /* an answer without headers and body, for all */
  long long unsent_since;     /* when the first of the answers came that are not sent yet; or 0 */
  char error[256];
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
/* False in a forked child. */
bool server_is_ours(const server *self);
/* Does what there is to do, without waiting. */
void server_run(server *self);
/* Takes the first of the requests that are ready out of their queue. It stays the server's. */
void server_take(server *self);
/* The bytes that a copy of a request needs, and the copy, into as many bytes aligned for any object. */
size_t server_copy_size(const server_request *request);
void server_copy_into(server_copy *copy, const server_request *request);
/* The request with an id that was taken and waits for its response, or NULL. */
server_request *server_find(server *self, long long id);
/* Begins a response, copying the body; false when memory is out. */
bool server_draft(server_request *request, const char *body, size_t len);
/* Whether a response may have this header: not those that frame the message, which libmicrohttpd sets. */
bool server_is_header(const char *name, size_t name_len, const char *value, size_t value_len);
/* Adds a header to the response; false, with errno, when libmicrohttpd rejects it or memory is out. */
bool server_draft_header(server_request *request, const char *name, const char *value);
/* Sends it. */
void server_send(server_request *request, unsigned status);
/* Sends responses now when the first of them has waited for too long. */
void server_flush(server *self);
/* Has libmicrohttpd ask once more what becomes of a request. */
void server_go_on(server_request *request);
/* Instead of an answer: sends bytes as they are, as far as the socket takes them at once, and ends
   the connection in some way. One that is held stays until its client leaves or the port closes. */
void server_cut(server_request *request, const char *bytes, size_t len, server_ending ending);
/* Closes that many more of the next connections as soon as they are made; 0: none any more. */
void server_refuse(server *self, long long connections);
/* Closes the port; connections go on. */
void server_stop_accepting(server *self);
/* Ends everything, whatever is under way. May be called twice, after a failed open, and in a forked
   child. */
void server_close(server *self);
/* Sets `error`; returns false. `problem` is an errno, or 0. */
bool server_fail(server *self, const char *what, const char *why);
bool server_fail_with(server *self, const char *what, int problem);

#endif
