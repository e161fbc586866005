#ifndef APIVIDEO_SERVER_H
#define APIVIDEO_SERVER_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "linger.h"
#include "signals.h"

typedef struct server server;
typedef struct server_request server_request;

typedef struct {
  const char *host; /* an IP address or "localhost" */
  unsigned port;    /* 0: any */
  size_t max_body;  /* bytes */
  unsigned timeout; /* milliseconds for a request to arrive */
  unsigned max_connections;
} server_options;

typedef struct {
  const char *name, *value;
  size_t name_len, value_len;
} server_header;

/* Requests in the order they came in. */
typedef struct {
  server_request *first, *last;
} server_queue;

typedef enum {
  REQUEST_NONE,      /* the connection is idle */
  REQUEST_ARRIVING,  /* its line has come */
  REQUEST_READY,     /* complete and suspended: waits for server_next */
  REQUEST_HANDLED,   /* suspended: waits for server_answer */
  REQUEST_ANSWERED   /* the response is on its way */
} request_state;

/* A connection's place, and the one request that it can have at a time. */
struct server_request {
  server *owner;
  struct MHD_Connection *connection; /* NULL: the place is free */
  server_queue *queue;               /* where it is: owner->waiting, owner->ready, or nowhere */
  server_request *next, *previous;
  request_state state;
  bool begun;        /* the headers have been looked at */
  unsigned refusal;  /* the status that will answer it although nobody handles it, or 0 */
  int fd;
  uint64_t id;
  uint64_t deadline; /* while waiting: when the connection is cut */
  char *target;
  const char *method;
  char *body;
  size_t length, capacity;
  uint64_t dropped;  /* bytes of a refused body */
  server_header *headers;
  size_t header_count;
  char peer[INET6_ADDRSTRLEN];
};

/* All zero: closed. */
struct server {
  bool open, accepting;
  pid_t process;
  struct MHD_Daemon *daemon;
  struct MHD_Response *response; /* being made */
  int epoll, timer;
  unsigned port;
  size_t max_body;
  unsigned timeout;
  unsigned max_connections;
  unsigned active;
  uint64_t armed;    /* when the timer fires */
  uint32_t sequence;
  server_request *places, *free;
  server_queue waiting; /* idle and arriving, by deadline */
  server_queue ready;
  signals stop;
  linger refused;
  char error[256];
};

/* Listens. False: see `error`; the server is closed. The server must be all zero before. */
bool server_open(server *self, const server_options *options);

/* Closes everything, requests in flight too. May be called again, and on a server of all zeros. */
void server_close(server *self);

/* Takes no new connections; the port is free. */
void server_stop_accepting(server *self);

/* From now on SIGINT and SIGTERM make server_run return true. NULL, or why not. */
const char *server_catch_signals(server *self);

/* Does what can be done without waiting. Whether a signal to stop has come. */
bool server_run(server *self);

/* The request that has been ready for longest, or NULL. It stays the server's. */
server_request *server_peek(const server *self);

/* Takes it off the queue; its body is freed. */
void server_take(server_request *request);

/* The request with that id, if it waits for its answer; else NULL. */
server_request *server_find(const server *self, uint64_t id);

/* NULL, or why a response header cannot be sent. */
const char *server_header_problem(const char *name, size_t name_len, const char *value,
                                  size_t value_len);

/* An answer: begin, add headers, send. Bytes are copied. False: no memory. */
bool server_begin_answer(server *self, const char *body, size_t length);
bool server_add_header(server *self, const char *name, const char *value);
bool server_send_answer(server_request *request, unsigned status);

#endif
