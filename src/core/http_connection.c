/*
** What happens between a connection and a request. The callbacks run inside libcurl and touch only
** C memory. The pre-request callback is set only where libcurl has COMPAT_CURL_PREREQ (`sees_requests`).
*/
#include "http_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/ascii.h"
#include "../common/compat_system.h"

/* Whether libcurl is about to send a transfer a second time which must be sent once. */
static bool must_stop(http_transfer *transfer) {
  if (!transfer->ready) return false;
  transfer->unanswered = !transfer->repeatable && http_was_sent(transfer);
  return transfer->unanswered;
}

/* libcurl's socket option callback, for each socket it opens: remembers it. One for which there is
   no memory is not looked at later. Most versions of libcurl leave out FD_CLOEXEC: a program that the
   process starts would hold the connection open after the pool has closed it. */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
  http_transfer *transfer = context;
  http_pool *pool = transfer->pool;
  (void)purpose;
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (must_stop(transfer)) return CURL_SOCKOPT_ERROR;
  if (pool->socket_count == pool->socket_size) {
    const size_t size = pool->socket_size == 0 ? 4 : pool->socket_size * 2;
    http_socket *grown = realloc(pool->sockets, size * sizeof *grown);
    if (grown == NULL) return CURL_SOCKOPT_OK;
    pool->sockets = grown;
    pool->socket_size = size;
  }
  pool->sockets[pool->socket_count++] = (http_socket){.fd = fd};
  return CURL_SOCKOPT_OK;
}

/* libcurl's close socket callback: forgets it, and closes it as libcurl would. */
static int on_close(void *context, curl_socket_t fd) {
  http_pool *pool = context;
  size_t i;
  for (i = 0; i < pool->socket_count; i++) {
    if (pool->sockets[i].fd != fd) continue;
    pool->sockets[i] = pool->sockets[--pool->socket_count];
    break;
  }
  return close(fd);
}

/* An address as libcurl tells it: its port, and its IP in `ip`, of INET6_ADDRSTRLEN bytes. 0 when it is
   none of the internet's. */
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

/* Reads both ends of a socket; its port stays 0 while it is not connected. */
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

/* The socket between a local port and a peer, or NULL. (To different peers, connections may have the
   same local port.) */
static http_socket *find_socket(http_pool *pool, int port, const char *peer_ip, int peer_port) {
  size_t i;
  for (i = 0; i < pool->socket_count; i++) {
    http_socket *candidate = &pool->sockets[i];
    if (candidate->port == 0) read_ends(candidate);
    if (candidate->port == port && candidate->peer_port == peer_port &&
        strcmp(candidate->peer_ip, peer_ip) == 0)
      return candidate;
  }
  return NULL;
}

/* Whether the kept-alive connection of a transfer is of no use: the peer has closed it, or has said
   something unasked, which would be taken for the answer. libcurl looks for the first, too, but before
   8.0 it takes the goodbye of TLS for a sign of life. HTTP/2 has things to say at any time. */
static bool is_stale(const http_transfer *transfer, const http_socket *connection) {
  const short events = connection->http1 ? POLLIN | COMPAT_POLLRDHUP : COMPAT_POLLRDHUP;
  struct pollfd peer = {connection->fd, events, 0};
  long opened = 0;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &opened);
  return opened == 0 && poll(&peer, 1, 0) > 0;
}

/* libcurl's pre-request callback: a connection is ready, and the request goes out next. */
static int on_ready(void *context, char *peer_ip, char *local_ip, int peer_port, int local_port) {
  http_transfer *transfer = context;
  const http_socket *connection = find_socket(transfer->pool, local_port, peer_ip, peer_port);
  (void)local_ip;
  if (must_stop(transfer)) return CURL_PREREQFUNC_ABORT;
  if (transfer->ready) return CURL_PREREQFUNC_OK;
  if (connection != NULL) {
    transfer->stale = is_stale(transfer, connection);
    if (connection->http1) transfer->repeatable = false;
  }
  if (transfer->stale) return CURL_PREREQFUNC_ABORT;
  transfer->ready = true;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &transfer->connect_size);
  return CURL_PREREQFUNC_OK;
}

CURLcode http_watch_handle(CURL *easy, http_pool *pool) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  if (code == CURLE_OK) code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, pool);
  if (code == CURLE_OK && pool->sees_requests)
    code = curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_ready);
  return code;
}

void http_close_sockets(http_pool *pool) {
  size_t i;
  for (i = 0; i < pool->socket_count; i++) (void)close(pool->sockets[i].fd);
  pool->socket_count = 0;
}

CURLcode http_watch_transfer(http_transfer *transfer, const http_request *request) {
  const bool safe = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
  (void)curl_easy_setopt(transfer->easy, CURLOPT_SOCKOPTDATA, transfer);
  if (!transfer->pool->sees_requests)
    /* libcurl < 7.80 has no prereq callback: a new connection, so that libcurl cannot resend silently. */
    return safe ? CURLE_OK : http_renew(transfer);
  transfer->repeatable = safe && request->http2 && ascii_has_prefix(request->url, "https:");
  return curl_easy_setopt(transfer->easy, CURLOPT_PREREQDATA, transfer);
}

CURLcode http_renew(http_transfer *transfer) {
  transfer->stale = false;
  return curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
}

void http_learn(const http_transfer *transfer) {
  http_socket *connection;
  long port = 0, peer_port = 0;
  char *peer_ip = NULL;
  if (!transfer->pool->sees_requests || transfer->version == CURL_HTTP_VERSION_NONE ||
      transfer->version > CURL_HTTP_VERSION_1_1)
    return;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_LOCAL_PORT, &port);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &peer_port);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &peer_ip);
  if (peer_ip == NULL) return;
  connection = find_socket(transfer->pool, (int)port, peer_ip, (int)peer_port);
  if (connection != NULL) connection->http1 = true;
}

bool http_was_sent(const http_transfer *transfer) {
  curl_off_t written = 0; /* when the first write succeeded */
  long size = 0;
  if (transfer->pool->sees_requests && !transfer->ready) return false;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &written);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &size);
  return written > 0 || size > transfer->connect_size;
}
