/*
** HTTP transfers on libcurl's multi interface. The callbacks touch only C memory: they run inside
** libcurl, where neither a Lua error nor a yield may pass.
*/
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_connection.h"
#include "http_header.h"
#include "http_options.h"

#define BUFFER_FIRST_SIZE 1024

bool http_append(http_buffer *buffer, const char *data, size_t len) {
  if (len > buffer->size - buffer->len) {
    size_t size = buffer->size == 0 ? BUFFER_FIRST_SIZE : buffer->size;
    char *grown;
    while (size - buffer->len < len) size *= 2;
    grown = realloc(buffer->data, size);
    if (grown == NULL) return false;
    buffer->data = grown;
    buffer->size = size;
  }
  memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return true;
}

static void buffer_free(http_buffer *buffer) {
  free(buffer->data);
  memset(buffer, 0, sizeof *buffer);
}

/* libcurl's write callback: collects the body under its cap. Anything but `len` stops the transfer. */
static size_t on_body(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  if (len > transfer->max_body - transfer->body.len) {
    transfer->too_large = "the response's body is larger than allowed";
    return 0;
  }
  return http_append(&transfer->body, data, len) ? len : 0;
}

/* libcurl's header callback, once for each line. The cap counts all lines, so that a peer cannot send
   1xx responses for ever. */
static size_t on_header(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  if (len > transfer->max_header - transfer->header_total) {
    transfer->too_large = "the response's headers are larger than allowed";
    return 0;
  }
  transfer->header_total += len;
  return http_take_line(transfer, data, len) ? len : 0;
}

/* A new handle, or NULL. */
static CURL *make_handle(http_pool *pool) {
  CURL *easy = curl_easy_init();
  if (easy == NULL) return NULL;
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(easy, CURLOPT_SHARE, pool->sessions);
  if (http_set_common(easy, pool) == CURLE_OK && http_watch_handle(easy, pool) == CURLE_OK)
    return easy;
  curl_easy_cleanup(easy);
  return NULL;
}

/* The handle of a new transfer, or NULL. None serves twice: from 7.84.0 to 8.2.1, libcurl appends a first
   header that begins with white space to the last one of the response before, which is freed. */
static CURL *take_handle(http_pool *pool) {
  CURL *easy = pool->next;
  pool->next = NULL;
  return easy == NULL ? make_handle(pool) : easy;
}

/* Puts the handle of a transfer that has ended aside. It forgets where the transfer was. */
static void leave_handle(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  (void)curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_cleanup(pool->used);
  pool->used = transfer->easy;
  transfer->easy = NULL;
}

/* Frees the used handle and makes the next one: what costs time is done while an answer is awaited. */
static void change_handles(http_pool *pool) {
  curl_easy_cleanup(pool->used);
  pool->used = NULL;
  if (pool->next == NULL) pool->next = make_handle(pool);
}

/* Where libcurl puts what it receives for a transfer. */
static void set_targets(http_transfer *transfer) {
  CURL *easy = transfer->easy;
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
}

const char *http_prepare(http_pool *pool, http_transfer *transfer, const http_request *request) {
  CURLcode code;
  const char *problem;
  transfer->pool = pool;
  problem = http_check(transfer, request);
  /* An empty "Expect:" keeps libcurl from asking before it sends a larger body. */
  if (problem == NULL && request->body != NULL) problem = http_add_header(transfer, "Expect:", 7);
  if (problem != NULL) return problem;
  transfer->easy = take_handle(pool);
  if (transfer->easy == NULL) return "libcurl could not make a handle";
  transfer->max_body = request->max_body;
  transfer->max_header = request->max_header;
  set_targets(transfer);
  code = http_set_request(transfer, request);
  if (code == CURLE_OK) code = http_watch_transfer(transfer, request);
  return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

/* Takes a running transfer out of its pool's list. */
static void drop_running(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  if (transfer->previous != NULL)
    transfer->previous->next = transfer->next;
  else
    pool->running = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
}

/* Takes a transfer out of its pool's `done`, if it is there. */
static void drop_done(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  http_transfer **link = &pool->done;
  while (*link != NULL && *link != transfer) link = &(*link)->next;
  if (*link == NULL) return;
  *link = transfer->next;
  if (*link == NULL) pool->done_end = link;
  transfer->next = NULL;
}

/* Stops a running transfer. In a process forked since, the connections are the parent's: closing them
   would end its TLS sessions, so the handle is left to the end of the process. */
static void stop(http_transfer *transfer) {
  transfer->sent = http_was_sent(transfer);
  if (http_pool_forked(transfer->pool))
    transfer->easy = NULL;
  else
    (void)curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
  drop_running(transfer);
}

void http_close(http_transfer *transfer) {
  if (transfer->state == HTTP_RUNNING) stop(transfer);
  if (transfer->state == HTTP_DONE && transfer->pool != NULL) drop_done(transfer);
  if (transfer->easy != NULL) curl_easy_cleanup(transfer->easy);
  curl_slist_free_all(transfer->headers);
  buffer_free(&transfer->body);
  buffer_free(&transfer->header);
  transfer->easy = NULL;
  transfer->headers = NULL;
  transfer->pool = NULL;
  transfer->state = HTTP_CLOSED;
}

/* Frees what http_pool_open made, or some of it. */
static void release(http_pool *pool) {
  (void)curl_multi_cleanup(pool->multi);
  (void)curl_share_cleanup(pool->sessions);
  curl_global_cleanup();
  pool->multi = NULL;
}

bool http_pool_open(http_pool *pool) {
  pool->done_end = &pool->done;
  pool->pid = getpid();
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
  http_read_features(pool);
  pool->multi = curl_multi_init();
  pool->sessions = curl_share_init();
  if (pool->multi == NULL || pool->sessions == NULL) {
    release(pool);
    return false;
  }
  (void)curl_share_setopt(pool->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return true;
}

bool http_pool_forked(const http_pool *pool) { return pool->pid != getpid(); }

void http_pool_close(http_pool *pool) {
  if (pool->multi == NULL) return;
  while (pool->running != NULL) http_close(pool->running);
  while (pool->done != NULL) http_close(pool->done);
  if (!http_pool_forked(pool)) {
    curl_easy_cleanup(pool->used);
    curl_easy_cleanup(pool->next);
    release(pool);
  }
  free(pool->sockets);
  pool->sockets = NULL;
  pool->multi = NULL;
}

/* Reads what libcurl tells about a transfer that has ended, so that its handle can go. */
static void read_end(http_transfer *transfer) {
  static const CURLINFO infos[HTTP_POINTS] = {
      CURLINFO_NAMELOOKUP_TIME_T, CURLINFO_CONNECT_TIME_T, CURLINFO_APPCONNECT_TIME_T,
      CURLINFO_STARTTRANSFER_TIME_T, CURLINFO_TOTAL_TIME_T};
  CURL *easy = transfer->easy;
  size_t i;
  transfer->sent = http_was_sent(transfer);
  (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer->status);
  (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &transfer->connections);
  (void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &transfer->version);
  for (i = 0; i < HTTP_POINTS; i++) (void)curl_easy_getinfo(easy, infos[i], &transfer->points[i]);
  http_learn(transfer);
}

/* Moves a transfer that libcurl has finished from `running` to `done`. */
static void finish(http_transfer *transfer, CURLcode code) {
  http_pool *pool = transfer->pool;
  (void)curl_multi_remove_handle(pool->multi, transfer->easy);
  drop_running(transfer);
  read_end(transfer);
  leave_handle(transfer);
  transfer->code = code;
  transfer->state = HTTP_DONE;
  *pool->done_end = transfer;
  pool->done_end = &transfer->next;
}

/* Starts a transfer anew, on a connection of its own. Nothing of it was sent. */
static void renew(http_transfer *transfer) {
  CURLM *multi = transfer->pool->multi;
  transfer->error[0] = '\0';
  (void)curl_multi_remove_handle(multi, transfer->easy);
  if (http_renew(transfer) != CURLE_OK || curl_multi_add_handle(multi, transfer->easy) != CURLM_OK)
    finish(transfer, CURLE_FAILED_INIT);
}

/* Takes up what libcurl has finished. */
static void collect(http_pool *pool) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
    const CURLcode code = message->data.result; /* gone once the handle is removed */
    char *private = NULL;
    http_transfer *transfer;
    if (message->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    transfer = (http_transfer *)(void *)private;
    if (transfer->stale)
      renew(transfer);
    else
      finish(transfer, code);
  }
}

/* Has libcurl work on what it can, without a wait. */
static CURLMcode drive(http_pool *pool) {
  int running;
  const CURLMcode code = curl_multi_perform(pool->multi, &running);
  pool->fresh = code != CURLM_OK;
  if (code == CURLM_OK) collect(pool);
  return code;
}

const char *http_start(http_pool *pool, http_transfer *transfer) {
  const CURLMcode code = curl_multi_add_handle(pool->multi, transfer->easy);
  if (code != CURLM_OK) return curl_multi_strerror(code);
  transfer->state = HTTP_RUNNING;
  transfer->next = pool->running;
  if (transfer->next != NULL) transfer->next->previous = transfer;
  pool->running = transfer;
  pool->fresh = true;
  /* One that is alone goes out while its caller prepares to wait. A failure comes up in the step. */
  if (transfer->next == NULL) (void)drive(pool);
  return NULL;
}

const char *http_pool_step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout) {
  CURLMcode code = pool->fresh ? drive(pool) : CURLM_OK;
  if (pool->running != NULL && pool->done == NULL) change_handles(pool);
  if (code == CURLM_OK && (pool->done == NULL || count > 0)) {
    code = curl_multi_poll(pool->multi, fds, count, pool->done == NULL ? timeout : 0, NULL);
    if (code == CURLM_OK) code = drive(pool);
  }
  return code == CURLM_OK ? NULL : curl_multi_strerror(code);
}

http_transfer *http_pool_take(http_pool *pool) {
  http_transfer *transfer = pool->done;
  if (transfer == NULL) return NULL;
  drop_done(transfer);
  transfer->pool = NULL;
  return transfer;
}
