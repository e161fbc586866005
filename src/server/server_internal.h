/*
** server_internal.h: the state of a server, for the files that implement it.
*/
#ifndef APIVIDEO_SERVER_INTERNAL_H
#define APIVIDEO_SERVER_INTERNAL_H

#include <sys/types.h>

#include "../common/compat_mhd.h"
#include "poller.h"
#include "server.h"

typedef struct server_queue server_queue;

/* A client's connection. It is in the queue `receiving` until its request is complete, in no queue while the
   request is handled (which has no time limit here), and in the queue `sending` until its response is sent. */
typedef struct server_connection {
  struct MHD_Connection *connection;
  server_request *request; /* the current one, or NULL */
  int fd;
  char peer[64];                             /* the client's numeric address */
  server_queue *queue;                       /* the queue that it is in, or NULL */
  struct server_connection *next, *previous; /* in that queue */
  struct server_connection *older, *newer;   /* among all connections of the server */
  long long accepted_at, deadline;           /* times of server_now_ms */
  bool is_extended;                          /* its deadline was extended: see connections.c */
  bool is_ended; /* shut down by this server; libmicrohttpd has not closed it yet */
} server_connection;

/* Connections in the order of their deadlines. */
struct server_queue {
  server_connection *first, *last;
};

struct server_request {
  server *owner;
  server_request *next; /* in the queue of complete requests */
  long long id;         /* 0 until the header section was received */
  struct MHD_Connection *connection;
  const char *method;     /* libmicrohttpd's: valid as long as the request */
  const char *peer;       /* the connection's: valid as long as the request */
  char *target;           /* raw */
  server_header *headers; /* their strings are libmicrohttpd's: valid as long as the request */
  size_t header_count;
  char *body;
  size_t body_len, body_size; /* received (even if discarded), and allocated */
  bool has_unread; /* bytes were unread at the last check, and no part of the body has come since */
  bool is_chunked, is_too_large;
  bool is_complete;     /* received whole */
  bool awaits_response; /* it was taken, and neither a response nor server_cut ended that */
  bool is_suspended;    /* its connection was suspended, and may have been resumed */
  bool is_aborted;      /* its connection is to be closed without a response */
  struct MHD_Response *draft, *response;
  unsigned status;
};

/* What a hook is called with. */
typedef enum server_event {
  SERVER_EVENT_ACCEPT,      /* a connection was accepted; false: close it */
  SERVER_EVENT_RUN,         /* an iteration begins */
  SERVER_EVENT_REQUEST_END, /* `request` is freed after this call */
  SERVER_EVENT_STOP, /* the server stops accepting, or closes: connections must not stay open */
  SERVER_EVENT_CLOSE /* the server is closed: the hook frees itself; also in a forked child */
} server_event;

/* Fault injection (faults.c), the only hook; the server has none until it is first needed. The result
   matters for SERVER_EVENT_ACCEPT only. */
typedef struct server_hook {
  bool (*call)(void *context, server_event event, const server_request *request); /* or NULL */
  void *context;
} server_hook;

/* The caller zeroes it and does not move it. */
struct server {
  pid_t pid; /* of the process that opened it: a forked child only closes it */
  struct MHD_Daemon *daemon;
  server_poller poller;
  server_hook hook;
  char error[320];

  /* listening.c */
  int listening;       /* the port's descriptor, or -1 */
  bool is_polled;      /* the poller has `listening`: incoming connections wake the server */
  bool is_stopping;    /* it accepts no more connections */
  long long accept_at; /* when to retry accepting, after the system had no resources; or 0 */
  char host[64];       /* the numeric address */
  unsigned port;

  /* connections.c */
  unsigned timeout; /* seconds */
  size_t connection_count, max_connections;
  size_t unclosed_count;           /* connection_count, and those with is_ended */
  server_connection *newest;       /* of all connections */
  server_queue receiving, sending; /* see server_connection */

  /* request.c, body.c */
  server_request **slots; /* requests by id % slot_count */
  size_t slot_count, active;
  long long last_id;
  server_request *first, **end; /* the queue of complete requests */
  size_t max_body;
  size_t body_memory;       /* allocated for the bodies of requests that were not taken */
  long long stall_check_at; /* when to check for stalled requests, while one is chunked; or 0 */

  /* response.c: empty responses, without and with "Connection: close" */
  struct MHD_Response *empty, *empty_close;

  /* server.c */
  bool has_progressed; /* libmicrohttpd has called back since this was last cleared */
  unsigned idle_calls; /* successive calls of server_run that left work without visible progress */
  long long unsent_since; /* when the first unsent response was queued; or 0 */
};

/* Calls the server's hook; true if it has none. */
static inline bool server_call_hook(server *self, server_event event,
                                    const server_request *request) {
  return self->hook.call == NULL || self->hook.call(self->hook.context, event, request);
}

#endif
