/*
** A pool's libcurl handles: see http_handle.h. The callbacks run inside libcurl, where neither a Lua error nor a
** yield may pass: they touch only C memory.
*/
#include "http_handle.h"

#include <assert.h>

#include "http_options.h"
#include "http_problem.h"
#include "http_resend.h"
#include "http_response.h"

/* libcurl's write callback. A result other than the length stops the transfer. */
static size_t on_body(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  return http_response_add_body(&transfer->response, data, len) ? len : 0;
}

/* libcurl's header callback, once for each line. */
static size_t on_header(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  return http_response_add_line(&transfer->response, transfer->easy, data, len) ? len : 0;
}

/* Sets what all handles of a pool have in common. */
static CURLcode set_up(CURL *easy, http_pool *pool) {
  CURLcode code;
  HTTP_SET(WRITEFUNCTION, on_body);
  HTTP_SET(HEADERFUNCTION, on_header);
  code = http_set_common(easy, pool);
  return code == CURLE_OK ? http_watch_handle(easy, pool) : code;
}

/* Directs a handle at the transfer that owns it. */
static CURLcode set_owner(CURL *easy, http_transfer *transfer) {
  HTTP_SET(WRITEDATA, transfer);
  HTTP_SET(HEADERDATA, transfer);
  HTTP_SET(PRIVATE, transfer);
  HTTP_SET(ERRORBUFFER, transfer->error);
  return CURLE_OK;
}

/* Creates the pool's next handle, unless it has one. */
static CURLcode create_next(http_pool *pool) {
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
  const CURLcode code = create_next(pool);
  assert(transfer->easy == NULL && pool->multi != NULL);
  if (code != CURLE_OK) return code;
  transfer->easy = pool->next;
  pool->next = NULL;
  return set_owner(transfer->easy, transfer);
}

void http_retire_handle(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  /* The buffer is the transfer's, which may be freed before the handle. Resetting a pointer cannot fail. */
  (void)curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, NULL);
  curl_easy_cleanup(pool->used);
  pool->used = transfer->easy;
  transfer->easy = NULL;
}

void http_replace_handles(http_pool *pool) {
  curl_easy_cleanup(pool->used);
  pool->used = NULL;
  (void)create_next(pool); /* http_acquire_handle retries, and reports a failure */
}

void http_free_handles(http_pool *pool) {
  curl_easy_cleanup(pool->used);
  curl_easy_cleanup(pool->next);
  pool->used = pool->next = NULL;
}
