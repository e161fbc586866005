/*
** http_sockets.h: the open sockets of a pool. libcurl's pre-request callback describes a connection by its
** addresses, so the socket is found by these.
*/
#ifndef APIVIDEO_HTTP_SOCKETS_H
#define APIVIDEO_HTTP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/compat_curl.h"

typedef struct http_socket {
  curl_socket_t fd;
  int port, peer_port; /* the local and the peer's; 0 until the socket is connected */
  char peer_ip[46];    /* as text; INET6_ADDRSTRLEN bytes */
  bool http1;          /* a transfer over it used HTTP/1 */
} http_socket;

/* A zeroed one is empty. Invariant: count <= size. */
typedef struct http_sockets {
  http_socket *items;
  size_t count, size;
  int edges; /* if has_edges: the set of descriptors that they are added to, see edges.h; a copy of its descriptor */
  bool has_edges;
  bool is_watched; /* the set has each open socket */
} http_sockets;

/* Adds an open socket. When memory is exhausted, it is left out: http_sockets_find does not find it. */
void http_sockets_add(http_sockets *sockets, curl_socket_t fd);
/* Adds all sockets, those that are open and those that will be, to a set of edges.h instead of the one before. */
void http_sockets_watch(http_sockets *sockets, int edges);
/* Removes a socket, without closing it. */
void http_sockets_remove(http_sockets *sockets, curl_socket_t fd);
/* Finds the socket between a local port and a peer; NULL if it is not known. Valid until the next call of
   http_sockets_add or http_sockets_remove. */
http_socket *http_sockets_find(http_sockets *sockets, int port, const char *peer_ip, int peer_port);
/* Whether the peer has closed the connection or, over HTTP/1, sent bytes that no request asked for, which libcurl
   would take for the response to the next request. libcurl checks for closed connections, too, but before 8.0 it
   takes the peer's close_notify for data of a live connection. Over HTTP/2, frames may arrive at any time. */
bool http_socket_is_stale(const http_socket *connection);
/* Closes all sockets and empties the list. For a forked child: the connections belong to the parent, and
   libcurl's memory, which this does not touch, must not be used any more. */
void http_sockets_close(http_sockets *sockets);
/* Frees the memory, which leaves an empty list; closes nothing. */
void http_sockets_free(http_sockets *sockets);

#endif
