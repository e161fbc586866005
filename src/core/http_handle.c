/*
** A pool's libcurl handles: see http_handle.h. The callbacks run inside libcurl, where neither a Lua error
** nor a yield may pass: they touch only C memory.
*/
#include "http_handle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http_connection.h"
#include "http_header.h"
#include "http_options.h"

#define BUFFER_FIRST_SIZE 1024

bool http_append(http_transfer *transfer, http_buffer *buffer, const char *data, size_t len) {
  if (len > buffer->size - buffer->len) {
    size_t size = buffer->size == 0 ? BUFFER_FIRST_SIZE : buffer->size;
    char *grown;
    while (size - buffer->len < len) size *= 2;
    grown = realloc(buffer->data, size);
    if (grown == NULL) {
      transfer->out_of_memory = true;
      return false;
    }
    buffer->data = grown;
    buffer->size = size;
  }
  memcpy(buffer->data + buffer->len, data, len);
  buffer->len += len;
  return true;
}

/* libcurl's write callback: appends to the body, up to its cap. A result other than `len` stops the
   transfer. */
static size_t on_body(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  if (len > transfer->max_body - transfer->body.len) {
    transfer->too_large = "the response's body is larger than allowed";
    return 0;
  }
  return http_append(transfer, &transfer->body, data, len) ? len : 0;
}

/* libcurl's header callback, once for each line. All lines count for the cap, so that a peer cannot send
   1xx responses without end. */
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

/* Sets what all handles of a pool have in common. */
static CURLcode set_up(CURL *easy, http_pool *pool) {
  CURLcode code;
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(easy, CURLOPT_SHARE, pool->sessions);
  code = http_set_common(easy, pool);
  return code == CURLE_OK ? http_watch_handle(easy, pool) : code;
}

/* Makes the pool's next handle, unless there is one. */
static CURLcode make_next(http_pool *pool) {
  CURLcode code;
  if (pool->next != NULL) return CURLE_OK;
  pool->next = curl_easy_init();
  if (pool->next == NULL) return CURLE_OUT_OF_MEMORY;
  code = set_up(pool->next, pool);
  if (code == CURLE_OK) return code;
  curl_easy_cleanup(pool->next);
  pool->next = NULL;
  return code;
}

CURLcode http_acquire_handle(http_pool *pool, http_transfer *transfer) {
  CURL *easy;
  const CURLcode code = make_next(pool);
  assert(transfer->easy == NULL && pool->multi != NULL);
  if (code != CURLE_OK) return code;
  transfer->easy = easy = pool->next;
  pool->next = NULL;
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  return CURLE_OK;
}

void http_retire_handle(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  (void)curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_cleanup(pool->used);
  pool->used = transfer->easy;
  transfer->easy = NULL;
}

void http_replace_handles(http_pool *pool) {
  curl_easy_cleanup(pool->used);
  pool->used = NULL;
  (void)make_next(pool); /* http_acquire_handle tries again, and reports a failure */
}

void http_free_handles(http_pool *pool) {
  curl_easy_cleanup(pool->used);
  curl_easy_cleanup(pool->next);
  pool->used = pool->next = NULL;
}
