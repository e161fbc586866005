/*
** http.h: HTTP transfers on libcurl's multi interface. Knows no Lua.
**
** A pool drives any number of transfers and keeps connections alive between them. Both structures
** belong to the caller, who zeroes them first and must not move them: a pool knows its transfers
** and each transfer its pool, so either may be closed first.
**
**   http.c             pools and transfers
**   http_handle.c      a pool's libcurl handles
**   http_header.c      the lines of headers
**   http_options.c     what a request asks, as libcurl's options
**   http_url.c         the one way in which URLs are written
**   http_connection.c  what happens between a connection and a request
**   http_failure.c     what kind of failure it was
**   http_sigpipe.c     no SIGPIPE from libcurl
*/
#ifndef APIVIDEO_HTTP_H
#define APIVIDEO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../common/compat_curl.h"

typedef struct http_buffer {
  char *data;
  size_t len;
  size_t size;
} http_buffer;

typedef struct http_transfer http_transfer;

/* A socket of libcurl's. */
typedef struct http_socket {
  curl_socket_t fd;
  int port, peer_port; /* the local one and the peer's, 0 until they are known */
  char peer_ip[46];    /* as text */
  bool http1;          /* a transfer over it was HTTP/1 */
} http_socket;

typedef struct http_pool {
  CURLM *multi;
  CURLSH *sessions;         /* of TLS, for new connections to go on with */
  pid_t pid;                /* of the process that made it */
  http_transfer *running;   /* doubly linked */
  http_transfer *done;      /* finished and not yet taken, oldest first */
  http_transfer **done_end; /* where the next one goes */
  bool needs_perform;       /* libcurl has not yet worked on what was started last */
  CURL *next;               /* a handle for the next transfer, or NULL */
  CURL *used;               /* that of the last one that ended, or NULL */
  http_socket *sockets;     /* the open ones */
  size_t socket_count, socket_size;
  unsigned version;                /* of the libcurl at run time: see compat_curl.h */
  bool has_http2, has_https_proxy; /* this libcurl was built with them */
  bool sees_requests; /* libcurl calls back before it sends a request (COMPAT_CURL_PREREQ) */
  bool trusts_file;   /* the system's certificates are one file */
} http_pool;

/* A line of a response's headers. */
typedef enum http_line {
  HTTP_LINE_NONE,    /* the status line */
  HTTP_LINE_SKIPPED, /* it has no name */
  HTTP_LINE_FRAMING, /* Content-Length or Transfer-Encoding */
  HTTP_LINE_KEPT     /* any other */
} http_line;

typedef enum http_state {
  HTTP_NEW,     /* zeroed, or prepared */
  HTTP_RUNNING, /* in its pool's `running` */
  HTTP_DONE,    /* in its pool's `done`, or taken from it */
  HTTP_CLOSED   /* its memory and handle are freed; the fields that describe its end stay */
} http_state;

/* The points of time that libcurl tells, in microseconds from the start. */
typedef enum http_point {
  HTTP_NAME_LOOKUP,
  HTTP_CONNECT,
  HTTP_TLS,
  HTTP_FIRST_BYTE,
  HTTP_TOTAL,
  HTTP_POINTS
} http_point;

struct http_transfer {
  http_pool *pool;
  http_transfer *next, *previous;
  bool anchored; /* the caller's */
  http_state state;
  CURL *easy; /* until it is done */
  struct curl_slist *headers;
  bool has_content_type; /* `headers` has one */
  bool may_be_http2; /* over TLS; libcurl < 7.77 reuses such a connection even for HTTP/1.1 alone */
  size_t headers_size; /* bytes of `headers` in the request */
  size_t max_body, max_header;
  /* on its way: */
  bool repeatable;   /* a GET, and maybe over HTTP/2: it may be sent again */
  bool ready;        /* a connection was ready for it */
  bool stale;        /* that was a kept one of no use: the peer had closed it, say */
  bool unanswered;   /* libcurl wanted to send it again */
  long connect_size; /* what was sent to a proxy, to reach the peer, before the request */
  /* its end: */
  CURLcode code;
  bool out_of_memory;    /* no response, because memory was out */
  const char *too_large; /* which cap of ours stopped it, or NULL */
  const char *malformed; /* what is wrong with the headers, where we stopped it for that, or NULL */
  bool sent;             /* whether any byte of it may have reached the peer */
  long status, connections, version;
  curl_off_t points[HTTP_POINTS];
  http_buffer body, header; /* header: the lines of the final response's headers */
  int header_lines;         /* how many those are */
  int line_status;          /* the status in the last status line, a proxy's or a 1xx's too */
  http_line last_line;      /* what a folded line continues */
  size_t header_total;      /* bytes of all header lines, of 1xx responses and trailers too */
  bool in_header;           /* between a status line and the empty line */
  bool answered;   /* the headers of the final response were whole: what follows are trailers */
  bool chunked;    /* it has a Transfer-Encoding */
  char length[20]; /* its Content-Length, or "" */
  char error[CURL_ERROR_SIZE];
};

/* What to ask. Strings are borrowed during http_prepare and copied by it. Times in milliseconds. */
typedef struct http_request {
  const char *method, *url;
  const char *body; /* or NULL */
  size_t body_len;
  const char *username;    /* for Basic authentication with an empty password, or NULL */
  const char *ca_file;     /* or NULL: the system's */
  const char *client_cert; /* or NULL */
  const char *client_key;  /* or NULL: in client_cert, too */
  const char *proxy;       /* "" for none, or NULL: the environment's */
  bool http2;              /* where the peer has it, over TLS */
  long timeout, connect_timeout;
  size_t max_body, max_header;
} http_request;

/* The problem of a function below when memory is out: the callers compare the pointer. */
extern const char http_no_memory[];

/* Makes the zeroed pool ready. NULL, or why not. */
const char *http_pool_open(http_pool *pool);
/* Whether the pool can be used: it is open, and this process made it. */
bool http_pool_usable(const http_pool *pool);
/* Whether this process is another than the one that made the pool. */
bool http_pool_forked(const http_pool *pool);
/* Cancels what runs and frees everything. May be called twice, on a zeroed pool, after a failed open, and
   in a process forked since. */
void http_pool_close(http_pool *pool);
/* Drives the transfers, waiting up to `timeout` milliseconds for them or for one of `fds`, whose
   `revents` it sets. NULL, or what went wrong. */
const char *http_pool_step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout);
/* Takes the next finished transfer, or NULL. */
http_transfer *http_pool_take(http_pool *pool);
/* Takes a certain one, finished, unless it was taken before. */
void http_take(http_transfer *transfer);

/* Adds a header line `Name: value` to a new transfer. The value may be empty, but for Host; the headers of
   message framing are rejected. NULL, or why not. */
const char *http_add_header(http_transfer *transfer, const char *line, size_t len);
/* Sets a new transfer up. NULL, or why not (maybe in `transfer`); then the transfer is to be closed. */
const char *http_prepare(http_pool *pool, http_transfer *transfer, const http_request *request);
/* Hands a prepared transfer to the pool, which may send it at once. NULL, or why not. */
const char *http_start(http_pool *pool, http_transfer *transfer);
/* Stops it if it runs, and frees what it holds, except what tells its end. May be called twice. */
void http_close(http_transfer *transfer);
/* The error kind of a finished transfer that is not `out_of_memory`, or NULL when there is a response. */
const char *http_error_kind(const http_transfer *transfer);
/* One line about the error of a finished transfer. */
const char *http_error_message(const http_transfer *transfer);

#endif
