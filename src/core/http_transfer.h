/*
** http_transfer.h: the structures that the http_*.c files share: pool, transfer and request.
**
** Invariants of a transfer: it is in `running` of its pool exactly in state HTTP_RUNNING, and has a handle then;
** it is in `done` of its pool exactly in state HTTP_DONE with a `pool`; `pool` is NULL once it is taken or closed.
*/
#ifndef APIVIDEO_HTTP_TRANSFER_H
#define APIVIDEO_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "http_features.h"
#include "http_header.h"
#include "http_response.h"
#include "http_sockets.h"
#include "http_trust.h"

typedef struct http_transfer http_transfer;

typedef struct http_pool {
  CURLM *multi;             /* NULL: closed */
  CURLSH *sessions;         /* TLS sessions, which new connections resume */
  pid_t pid;                /* the process that opened it */
  http_transfer *running;   /* doubly linked */
  http_transfer *done;      /* finished and not yet taken, oldest first */
  http_transfer **done_end; /* where the next one is linked */
  bool needs_perform;       /* a transfer was added since libcurl last ran */
  bool was_active;          /* a descriptor of libcurl was ready in the last step */
  CURL *next;               /* a handle for the next transfer, or NULL */
  CURL *used;               /* the handle of the last transfer that finished, or NULL */
  http_sockets sockets;     /* the open ones */
  http_features features;
} http_pool;

typedef enum http_state {
  HTTP_NEW,     /* zeroed, or prepared */
  HTTP_RUNNING, /* in its pool's `running` */
  HTTP_DONE,    /* in its pool's `done`, or taken from it */
  HTTP_CLOSED   /* memory and handle are freed; the fields that describe its end stay */
} http_state;

/* Timing milestones, in microseconds from the start. */
typedef enum http_milestone {
  HTTP_NAME_LOOKUP,
  HTTP_CONNECT,
  HTTP_TLS,
  HTTP_FIRST_BYTE,
  HTTP_TOTAL,
  HTTP_MILESTONES
} http_milestone;

struct http_transfer {
  http_pool *pool;
  http_transfer *next, *previous;
  bool anchored; /* for the caller's use */
  http_state state;
  CURL *easy; /* until it is done */
  http_headers headers;
  http_response response;
  /* For http_resend.c: */
  bool repeatable;   /* safe to send twice: GET or HEAD, and possibly over HTTP/2 */
  bool ready;        /* libcurl was about to send the request on a connection */
  bool stale;        /* that connection was reused and unusable, so nothing was sent */
  bool unanswered;   /* a resend was prevented: the connection was closed before a response */
  long connect_size; /* bytes sent to a proxy (CONNECT) before the request */
  /* Its end: */
  CURLcode code;
  bool out_of_memory; /* there is no response, because memory was exhausted */
  bool sent;          /* whether any byte of the request may have reached the peer */
  long status, connections, version;
  long connect_code; /* the status of the proxy's response to CONNECT, or 0 */
  long os_errno;     /* why the last connection could not be opened, or 0 */
  curl_off_t milestones[HTTP_MILESTONES];
  char error[CURL_ERROR_SIZE]; /* libcurl's message, or http_check's */
  /* For http_message.c: */
  bool is_tls, has_tls_proxy;
  char host[270];    /* of the URL, with its port */
  char trusted[200]; /* origin and path of the trusted certificates; empty: the system's */
  char message[900];
};

/* A request. Strings are borrowed during http_prepare, which copies them. Times in milliseconds. */
typedef struct http_request {
  const char *method, *url;
  const char *body; /* or NULL */
  size_t body_len;
  const char *username;    /* for Basic authentication with an empty password, or NULL */
  const char *ca_file;     /* or NULL: the environment's or the system's certificates */
  const char *client_cert; /* or NULL */
  const char *client_key;  /* or NULL: in client_cert, too */
  const char *proxy;       /* "" for no proxy, or NULL: the environment's */
  bool http2;              /* use HTTP/2 over TLS if the peer supports it */
  bool insecure;           /* accept any certificate of the peer, on a connection of its own */
  long timeout, connect_timeout;
  size_t max_body, max_header;
  http_trust trust; /* set by http_prepare */
} http_request;

#endif
