/*
** No request is sent twice silently: see http_resend.h. The callbacks run inside libcurl and touch only
** C memory. The pre-request callback is set only where libcurl has one (`has_prereq`: 7.80 and later).
*/
#include "http_resend.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../common/ascii.h"
#include "http_problem.h"

/* Whether libcurl is about to resend a request that must be sent only once; records that in `unanswered`. */
static bool stops_resend(http_transfer *transfer) {
  if (!transfer->ready) return false;
  transfer->unanswered = !transfer->repeatable && http_was_sent(transfer);
  return transfer->unanswered;
}

/* libcurl's socket option callback, for each socket that it opens. Most versions of libcurl do not set
   FD_CLOEXEC: a program that the process starts would hold the connection open after the pool has closed it. */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose) {
  http_transfer *transfer = context;
  (void)purpose;
  (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (stops_resend(transfer)) return CURL_SOCKOPT_ERROR;
  http_sockets_add(&transfer->pool->sockets, fd);
  return CURL_SOCKOPT_OK;
}

/* libcurl's close socket callback: closes the socket, as libcurl itself would. */
static int on_close(void *context, curl_socket_t fd) {
  http_pool *pool = context;
  http_sockets_remove(&pool->sockets, fd);
  return close(fd);
}

/* Whether the connection of a transfer is reused (an earlier transfer opened it), and no longer usable. */
static bool is_stale(const http_transfer *transfer, const http_socket *connection) {
  long opened = 0;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &opened);
  return opened == 0 && http_socket_is_stale(connection);
}

/* libcurl's pre-request callback: a connection is ready, and the request is sent next. */
static int on_ready(void *context, char *peer_ip, char *local_ip, int peer_port, int local_port) {
  http_transfer *transfer = context;
  const http_socket *connection =
      http_sockets_find(&transfer->pool->sockets, local_port, peer_ip, peer_port);
  (void)local_ip;
  if (stops_resend(transfer)) return CURL_PREREQFUNC_ABORT;
  if (transfer->ready)
    return CURL_PREREQFUNC_OK; /* a resend that is allowed, or nothing was sent before */
  if (connection != NULL) {
    transfer->stale = is_stale(transfer, connection);
    if (connection->http1) transfer->repeatable = false; /* see http_resend.h */
  }
  if (transfer->stale) return CURL_PREREQFUNC_ABORT;
  transfer->ready = true;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &transfer->connect_size);
  return CURL_PREREQFUNC_OK;
}

CURLcode http_watch_handle(CURL *easy, http_pool *pool) {
  HTTP_SET(SOCKOPTFUNCTION, on_socket);
  HTTP_SET(CLOSESOCKETFUNCTION, on_close);
  HTTP_SET(CLOSESOCKETDATA, pool);
  if (pool->features.has_prereq) HTTP_SET(PREREQFUNCTION, on_ready);
  return CURLE_OK;
}

CURLcode http_watch_transfer(http_transfer *transfer, const http_request *request) {
  const bool safe = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
  CURL *easy = transfer->easy;
  HTTP_SET(SOCKOPTDATA, transfer);
  if (!transfer->pool->features.has_prereq)
    /* libcurl < 7.80 has no pre-request callback. It never resends on a new connection; a GET may be resent. */
    return safe ? CURLE_OK : http_renew(transfer);
  transfer->repeatable = safe && request->http2 && ascii_has_prefix(request->url, "https:");
  HTTP_SET(PREREQDATA, transfer);
  return CURLE_OK;
}

CURLcode http_renew(http_transfer *transfer) {
  CURL *easy = transfer->easy;
  assert(!transfer->ready);
  transfer->stale = false;
  HTTP_SET(FRESH_CONNECT, 1L);
  return CURLE_OK;
}

void http_record_version(const http_transfer *transfer) {
  http_socket *connection;
  long port = 0, peer_port = 0;
  char *peer_ip = NULL;
  if (!transfer->pool->features.has_prereq || transfer->version == CURL_HTTP_VERSION_NONE ||
      transfer->version > CURL_HTTP_VERSION_1_1)
    return;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_LOCAL_PORT, &port);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &peer_port);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &peer_ip);
  if (peer_ip == NULL) return;
  connection = http_sockets_find(&transfer->pool->sockets, (int)port, peer_ip, (int)peer_port);
  if (connection != NULL) connection->http1 = true;
}

bool http_was_sent(const http_transfer *transfer) {
  curl_off_t written = 0; /* when the request's first write was complete */
  long size = 0;
  if (transfer->pool->features.has_prereq && !transfer->ready) return false;
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &written);
  (void)curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &size);
  return written > 0 || size > transfer->connect_size;
}
