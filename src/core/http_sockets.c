/*
** The open sockets of a pool: see http_sockets.h.
*/
#include "http_sockets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/compat_system.h"
#include "../common/edges.h"

/* Adds a socket to the set, if there is one. */
static void watch(http_sockets *sockets, curl_socket_t fd) {
  if (sockets->has_edges && !edges_add(sockets->edges, fd, true)) sockets->is_watched = false;
}

void http_sockets_add(http_sockets *sockets, curl_socket_t fd) {
  assert(sockets->count <= sockets->size);
  watch(sockets, fd);
  if (sockets->count == sockets->size) {
    const size_t size = sockets->size == 0 ? 4 : sockets->size * 2;
    http_socket *grown = realloc(sockets->items, size * sizeof *grown);
    if (grown == NULL) return;
    sockets->items = grown;
    sockets->size = size;
  }
  sockets->items[sockets->count++] = (http_socket){.fd = fd};
}

static void close_edges(http_sockets *sockets) {
  if (sockets->has_edges) (void)close(sockets->edges);
  sockets->has_edges = sockets->is_watched = false;
}

void http_sockets_watch(http_sockets *sockets, int edges) {
  const int copy = fcntl(edges, F_DUPFD_CLOEXEC, 0);
  size_t i;
  close_edges(sockets);
  if (copy < 0) return;
  sockets->edges = copy;
  sockets->has_edges = sockets->is_watched = true;
  for (i = 0; i < sockets->count; i++) watch(sockets, sockets->items[i].fd);
}

void http_sockets_remove(http_sockets *sockets, curl_socket_t fd) {
  size_t i;
  for (i = 0; i < sockets->count; i++) {
    if (sockets->items[i].fd != fd) continue;
    sockets->items[i] = sockets->items[--sockets->count];
    break;
  }
}

/* Reads an address: returns its port, and writes its IP to `ip`, of INET6_ADDRSTRLEN bytes. Returns 0 for
   other families than IPv4 and IPv6. */
static int read_address(const struct sockaddr_storage *address, char *ip) {
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)address;
    (void)inet_ntop(AF_INET, &v4->sin_addr, ip, INET6_ADDRSTRLEN);
    return ntohs(v4->sin_port);
  }
  if (address->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)address;
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, ip, INET6_ADDRSTRLEN);
    return ntohs(v6->sin6_port);
  }
  return 0;
}

/* Reads both addresses of a socket; `port` stays 0 while it is not connected. */
static void read_ends(http_socket *connection) {
  struct sockaddr_storage local, peer;
  char ip[INET6_ADDRSTRLEN];
  socklen_t local_len = sizeof local, peer_len = sizeof peer;
  memset(&local, 0, sizeof local);
  memset(&peer, 0, sizeof peer);
  if (getsockname(connection->fd, (struct sockaddr *)&local, &local_len) != 0 ||
      getpeername(connection->fd, (struct sockaddr *)&peer, &peer_len) != 0)
    return;
  connection->port = read_address(&local, ip);
  connection->peer_port = read_address(&peer, connection->peer_ip);
}

/* Compares the peer, too: connections to different peers may share a local port. */
http_socket *http_sockets_find(http_sockets *sockets, int port, const char *peer_ip,
                               int peer_port) {
  size_t i;
  for (i = 0; i < sockets->count; i++) {
    http_socket *candidate = &sockets->items[i];
    if (candidate->port == 0) read_ends(candidate);
    if (candidate->port == port && candidate->peer_port == peer_port &&
        strcmp(candidate->peer_ip, peer_ip) == 0)
      return candidate;
  }
  return NULL;
}

bool http_socket_is_stale(const http_socket *connection) {
  const short events = connection->http1 ? POLLIN | COMPAT_POLLRDHUP : COMPAT_POLLRDHUP;
  struct pollfd peer = {connection->fd, events, 0};
  return poll(&peer, 1, 0) > 0;
}

void http_sockets_close(http_sockets *sockets) {
  size_t i;
  for (i = 0; i < sockets->count; i++) (void)close(sockets->items[i].fd);
  sockets->count = 0;
}

void http_sockets_free(http_sockets *sockets) {
  close_edges(sockets);
  free(sockets->items);
  memset(sockets, 0, sizeof *sockets);
}
