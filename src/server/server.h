/*
** server.h: an HTTP/1 server on libmicrohttpd, for one thread, run by the caller's event loop. It does not
** depend on Lua. The binding (server_lua.c) includes this header only.
**
** A request is received whole, then queued until server_take; its response is sent later, by the request's
** id. The id of a request that no longer exists is not an error. After requests were taken, the caller must
** call server_run once more: it sends the responses that exist by then, and suspends the connections of the
** other requests.
**
** No function calls Lua. server_run, server_flush and server_close may free requests: a pointer to a request
** is invalid after any of them.
**
**   server.c          opening, one iteration of the loop, closing
**   listening.c       the port, and which connections are accepted
**   connections.c     deadlines and eviction of connections
**   request.c         one request, through libmicrohttpd's callbacks
**   framing.c         the message framing of a request (RFC 9112)
**   header_section.c  what libmicrohttpd's parser before 1.0 hides
**   body.c            bodies of requests, and their memory
**   response.c        what is sent back
**   copy.c            copies of requests, for the binding
**   faults.c          fault injection, for tests of clients
**   poller.c          waiting: descriptors and a timer
**   error.c           the last error
*/
#ifndef APIVIDEO_SERVER_H
#define APIVIDEO_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/compat_system.h"

#ifdef APIVIDEO_POLL
#include <sys/select.h>
#endif

typedef struct server server;
typedef struct server_request server_request;

typedef struct server_options {
  const char *host;
  unsigned port;    /* 0: any free one */
  size_t max_body;  /* bytes */
  unsigned timeout; /* seconds in which a request is received, and a response is sent */
  unsigned max_connections;
} server_options;

typedef struct server_header {
  const char *name, *value;
  size_t name_len, value_len;
} server_header;

/* A copy of a request. All strings are in the same block of memory, behind the headers. */
typedef struct server_copy {
  long long id;
  const char *method, *target, *peer; /* end with NUL; `target` is the raw request-target */
  const server_header *headers;
  size_t header_count;
  const char *body;
  size_t body_len;
} server_copy;

/* How server_cut ends a connection: closed, reset, or open until the client or the server closes it. */
typedef enum server_ending {
  SERVER_ENDING_CLOSE,
  SERVER_ENDING_RESET,
  SERVER_ENDING_HOLD
} server_ending;

/* The version of the libmicrohttpd that is loaded. */
const char *server_library(void);

/* ---- the server ---- */

/* The size of a server in bytes. The caller allocates and zeroes it, and must not move it until server_close. */
size_t server_size(void);
/* Starts listening; false on failure: see server_error. The caller calls server_close in either case. */
bool server_open(server *self, const server_options *options);
/* Why server_open failed. */
const char *server_error(const server *self);
/* Closes the server if this process is a forked child of the one that opened it. */
void server_close_if_forked(server *self);
/* Whether the server was opened and is not closed. */
bool server_is_open(const server *self);
/* The numeric address and the port that it listens on. */
const char *server_host(const server *self);
unsigned server_port(const server *self);

#ifndef APIVIDEO_POLL
/* The descriptor that is readable whenever server_run has something to do; -1 once it is closed. */
int server_fd(const server *self);
#else
/* Sets the descriptors to wait for. Returns for how many milliseconds at most; LLONG_MAX: without a limit. Once
   the server is closed: none, and 0. */
long long server_list_fds(const server *self, fd_set *reads, fd_set *writes);
#endif

/* One iteration: accepts, reads, sends and expires without blocking. */
void server_run(server *self);
/* Sends the queued responses if the first of them has waited too long for more to be sent with it. */
void server_flush(server *self);
/* The number of requests from their header sections to the ends of their responses. */
size_t server_active(const server *self);
/* Closes the port. Open connections are served until their current responses are sent. */
void server_stop_accepting(server *self);
/* Closes everything. Idempotent; allowed after a failed server_open, and in a forked child. */
void server_close(server *self);

/* ---- requests ---- */

/* The oldest request of the queue, or NULL. */
const server_request *server_first(const server *self);
/* Removes the oldest request from the queue if it has this id; else returns false. Its body is freed. */
bool server_take(server *self, long long id);
/* The size of a copy of a request in bytes. */
size_t server_copy_size(const server_request *request);
/* Writes the copy into memory of that size, aligned for any object. */
void server_copy_into(server_copy *copy, const server_request *request);
/* The request with this id if it was taken and has no response yet; else NULL. */
server_request *server_find(server *self, long long id);

/* ---- responses ---- */

/* Starts a response with a copy of the body, which replaces an earlier draft; false when memory is out. */
bool server_draft(server_request *request, const char *body, size_t len);
/* Whether a response may have this header: a valid one that is not of message framing, which libmicrohttpd
   writes. */
bool server_is_header(const char *name, size_t name_len, const char *value, size_t value_len);
/* Adds a header to the draft; false with errno when libmicrohttpd rejects it or memory is out. */
bool server_draft_header(server_request *request, const char *name, const char *value);
/* Queues the draft as the response. The caller calls server_flush afterwards. */
void server_send(server_request *request, unsigned status);

/* ---- fault injection ---- */

/* Instead of a response: sends bytes as they are, as many as the socket takes without blocking, and ends the
   connection. */
void server_cut(server_request *request, const char *bytes, size_t len, server_ending ending);
/* Closes this many more of the next connections right after accepting them; 0 resets the count. False when
   memory is out. */
bool server_refuse(server *self, long long connections);

#endif
