/*
** Pools and transfers: see http.h. No Lua runs within these functions, and no callback of libcurl calls one of
** them.
*/
#include "http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/descriptors.h"
#include "../common/sigpipe.h"
#include "http_check.h"
#include "http_handle.h"
#include "http_message.h"
#include "http_options.h"
#include "http_resend.h"
#include "http_url.h"

/* Connections of a pool. libcurl's default is four times the transfers that are running: it closes the
   connections of many transfers as soon as only a few are left, and opens as many for the next ones. */
#define CONNECTIONS_MAX 100

#define UNWATCHED_POLL_MS 4 /* interval of steps for descriptors that cannot be watched */
#define TIMEOUT_MAX_MS 3600000

/* http_prepare for a request with a URL in normal form and its trust: checks it first, then sets it up. */
static const char *prepare(http_transfer *transfer, const http_request *request) {
  CURLcode code;
  const char *problem = http_check(transfer, request);
  if (problem == NULL && request->body != NULL)
    problem = http_headers_add_for_body(&transfer->headers);
  if (problem != NULL) return problem;
  http_message_prepare(transfer, request);
  transfer->response.max_body = request->max_body;
  transfer->response.max_header = request->max_header;
  code = http_acquire_handle(transfer->pool, transfer);
  if (code == CURLE_OK) code = http_set_request(transfer, request);
  if (code == CURLE_OK) code = http_watch_transfer(transfer, request);
  return http_problem_of_easy(code);
}

const char *http_prepare(http_pool *pool, http_transfer *transfer, const http_request *request) {
  http_request normal = *request;
  char *url = http_normalize_url(request->url);
  const char *problem = http_no_memory;
  assert(http_pool_usable(pool) && transfer->state == HTTP_NEW);
  transfer->pool = pool;
  normal.url = url;
  http_trust_read(&normal.trust, request->ca_file);
  if (url != NULL) problem = prepare(transfer, &normal);
  free(url);
  return problem;
}

/* Removes a running transfer from its pool's list. */
static void unlink_running(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  assert(transfer->state == HTTP_RUNNING);
  if (transfer->previous != NULL)
    transfer->previous->next = transfer->next;
  else
    pool->running = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
}

/* Removes a transfer from its pool's `done`, if it is in that list. */
static void unlink_done(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  http_transfer **link = &pool->done;
  while (*link != NULL && *link != transfer) link = &(*link)->next;
  if (*link == NULL) return;
  *link = transfer->next;
  if (*link == NULL) pool->done_end = link;
  transfer->next = NULL;
}

/* Stops a running transfer. In a forked child, the connections belong to the parent: closing them would end
   its TLS sessions, so the handle is not freed before the process ends. */
static void stop(http_transfer *transfer) {
  transfer->sent = http_was_sent(transfer);
  if (http_pool_forked(transfer->pool))
    transfer->easy = NULL;
  else
    (void)curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
  unlink_running(transfer);
}

/* Frees a transfer's handle: the only part of closing in which libcurl may send. */
static void release_handle(http_transfer *transfer) {
  sigpipe_mask saved;
  if (transfer->easy == NULL) return;
  sigpipe_block(&saved);
  if (transfer->state == HTTP_RUNNING) stop(transfer);
  curl_easy_cleanup(transfer->easy);
  transfer->easy = NULL;
  sigpipe_restore(&saved);
}

void http_close(http_transfer *transfer) {
  assert(transfer->state != HTTP_RUNNING || transfer->easy != NULL);
  release_handle(transfer);
  if (transfer->state == HTTP_DONE && transfer->pool != NULL) unlink_done(transfer);
  http_headers_free(&transfer->headers);
  http_response_free(&transfer->response);
  transfer->pool = NULL;
  transfer->state = HTTP_CLOSED;
}

/* Frees what http_pool_open created, or a part of it. */
static void release(http_pool *pool) {
  http_free_handles(pool);
  (void)curl_multi_cleanup(pool->multi);
  (void)curl_share_cleanup(pool->sessions);
  curl_global_cleanup();
}

/* Makes a pool a closed one, without pointers to anything. */
static void reset(http_pool *pool) {
  pool->multi = NULL;
  pool->sessions = NULL;
  pool->next = pool->used = NULL;
  pool->running = pool->done = NULL;
  pool->done_end = &pool->done;
  memset(&pool->sockets, 0, sizeof pool->sockets);
  pool->needs_perform = pool->was_active = false;
}

const char *http_pool_open(http_pool *pool) {
  assert(pool->multi == NULL);
  reset(pool);
  pool->pid = getpid();
  descriptors_fill();
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return "libcurl could not be initialized";
  http_features_read(&pool->features);
  pool->multi = curl_multi_init();
  pool->sessions = curl_share_init();
  if (pool->multi == NULL || pool->sessions == NULL || pool->features.version < COMPAT_CURL_FLOOR) {
    release(pool);
    reset(pool);
    return pool->features.version < COMPAT_CURL_FLOOR ? COMPAT_CURL_TOO_OLD : http_no_memory;
  }
  (void)curl_share_setopt(pool->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  (void)curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
  return NULL;
}

bool http_pool_forked(const http_pool *pool) {
  return pool->pid != getpid();
}

bool http_pool_usable(const http_pool *pool) {
  return pool->multi != NULL && !http_pool_forked(pool);
}

void http_pool_close(http_pool *pool) {
  if (pool->multi == NULL) return;
  while (pool->running != NULL) http_close(pool->running);
  while (pool->done != NULL) http_close(pool->done);
  if (http_pool_forked(pool)) {
    http_sockets_close(&pool->sockets);
  } else {
    sigpipe_mask saved;
    sigpipe_block(&saved);
    release(pool);
    sigpipe_restore(&saved);
  }
  http_sockets_free(&pool->sockets);
  reset(pool);
}

/* Whether a transfer failed because memory was exhausted. Before 8.6.0, libcurl reports a header line beyond
   its own cap (100 KiB) with the same code: that is assumed once a part of the headers has arrived. */
static bool lacked_memory(const http_transfer *transfer, CURLcode code) {
  if (transfer->response.out_of_memory) return true;
  if (code != CURLE_OUT_OF_MEMORY) return false;
  return transfer->pool->features.version >= COMPAT_CURL_TOO_LARGE ||
         transfer->response.has_header || transfer->milestones[HTTP_FIRST_BYTE] == 0;
}

/* Reads what libcurl reports about a transfer that has ended, so that its handle can be retired. */
static void read_end(http_transfer *transfer) {
  static const CURLINFO infos[HTTP_MILESTONES] = {
      CURLINFO_NAMELOOKUP_TIME_T, CURLINFO_CONNECT_TIME_T, CURLINFO_APPCONNECT_TIME_T,
      CURLINFO_STARTTRANSFER_TIME_T, CURLINFO_TOTAL_TIME_T};
  CURL *easy = transfer->easy;
  size_t i;
  transfer->sent = http_was_sent(transfer);
  (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &transfer->status);
  (void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &transfer->connections);
  (void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &transfer->version);
  (void)curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &transfer->connect_code);
  (void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &transfer->os_errno);
  for (i = 0; i < HTTP_MILESTONES; i++)
    (void)curl_easy_getinfo(easy, infos[i], &transfer->milestones[i]);
  http_record_version(transfer);
}

/* Moves a transfer that libcurl has finished from `running` to `done`. */
static void finish(http_transfer *transfer, CURLcode code) {
  http_pool *pool = transfer->pool;
  (void)curl_multi_remove_handle(pool->multi, transfer->easy);
  unlink_running(transfer);
  read_end(transfer);
  transfer->out_of_memory = lacked_memory(transfer, code);
  http_retire_handle(transfer);
  transfer->code = code;
  transfer->state = HTTP_DONE;
  assert(transfer->next == NULL && *pool->done_end == NULL);
  *pool->done_end = transfer;
  pool->done_end = &transfer->next;
}

/* Retries a transfer on a new connection, after nothing of it was sent on a stale one. */
static void renew(http_transfer *transfer) {
  CURLM *multi = transfer->pool->multi;
  CURLcode code;
  transfer->error[0] = '\0';
  (void)curl_multi_remove_handle(multi, transfer->easy);
  code = http_renew(transfer);
  if (code == CURLE_OK) {
    const CURLMcode added = curl_multi_add_handle(multi, transfer->easy);
    if (added == CURLM_OK) return;
    code = added == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
  }
  finish(transfer, code);
}

/* Moves the transfers that libcurl has finished to `done`. */
static void collect(http_pool *pool) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
    const CURLcode code = message->data.result; /* invalid once the handle is removed */
    char *private = NULL;
    http_transfer *transfer;
    if (message->msg != CURLMSG_DONE) continue;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
    transfer = (void *)private;
    if (transfer->stale)
      renew(transfer);
    else
      finish(transfer, code);
  }
}

/* Lets libcurl do what it can without waiting. */
static CURLMcode drive(http_pool *pool) {
  int running;
  const CURLMcode code = curl_multi_perform(pool->multi, &running);
  pool->needs_perform = code != CURLM_OK;
  if (code == CURLM_OK) collect(pool);
  return code;
}

/* Adds a prepared transfer to libcurl and to the pool's list. libcurl may send it. */
static CURLMcode add(http_pool *pool, http_transfer *transfer) {
  const CURLMcode code = curl_multi_add_handle(pool->multi, transfer->easy);
  if (code != CURLM_OK) return code;
  transfer->state = HTTP_RUNNING;
  transfer->next = pool->running;
  if (transfer->next != NULL) transfer->next->previous = transfer;
  pool->running = transfer;
  pool->needs_perform = true;
  /* The only transfer is sent while its caller prepares to wait. The step reports a failure. */
  if (transfer->next == NULL) (void)drive(pool);
  return CURLM_OK;
}

const char *http_start(http_pool *pool, http_transfer *transfer) {
  sigpipe_mask saved;
  CURLMcode code;
  assert(transfer->state == HTTP_NEW && transfer->pool == pool);
  sigpipe_block(&saved);
  code = add(pool, transfer);
  sigpipe_restore(&saved);
  return http_problem_of_multi(code);
}

/* How long to wait for libcurl, in milliseconds: at most `timeout`. */
static int limit_wait(const http_pool *pool, int timeout) {
  if (pool->done != NULL) return 0;
  if (!pool->features.stalls || pool->running == NULL) return timeout;
  return timeout < COMPAT_CURL_STALLS_POLL_MS ? timeout : COMPAT_CURL_STALLS_POLL_MS;
}

/* How many descriptors are ready. */
static int count_ready(const struct curl_waitfd *fds, unsigned count) {
  int ready = 0;
  unsigned i;
  for (i = 0; i < count; i++)
    if (fds[i].revents != 0) ready++;
  return ready;
}

/* http_pool_step, with SIGPIPE blocked. */
static CURLMcode step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout) {
  CURLMcode code = pool->needs_perform ? drive(pool) : CURLM_OK;
  int ready;
  pool->was_active = true;
  if (pool->running != NULL && pool->done == NULL) http_replace_handles(pool);
  if (code == CURLM_OK && (pool->done == NULL || count > 0)) {
    code = curl_multi_poll(pool->multi, fds, count, limit_wait(pool, timeout), &ready);
    if (code == CURLM_OK) pool->was_active = ready > count_ready(fds, count);
    if (code == CURLM_OK) code = drive(pool);
  }
  return code;
}

const char *http_pool_step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout) {
  sigpipe_mask saved;
  CURLMcode code;
  assert(http_pool_usable(pool));
  sigpipe_block(&saved);
  code = step(pool, fds, count, timeout);
  sigpipe_restore(&saved);
  return http_problem_of_multi(code);
}

/* Whether libcurl may wait for a descriptor that is not in the pool's set: of a resolver, or of a socket that could not
   be added. */
static bool has_unwatched(const http_pool *pool) {
  const http_transfer *transfer;
  if (!pool->sockets.is_watched) return true;
  for (transfer = pool->running; transfer != NULL; transfer = transfer->next) {
    curl_off_t looked_up = 0,
               started =
                   0; /* newer versions set only the second for a connection that is used again */
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &started);
    if (looked_up == 0 && started == 0) return true;
  }
  return false;
}

int http_pool_timeout(http_pool *pool) {
  long timeout = -1;
  assert(http_pool_usable(pool));
  if (pool->done != NULL || pool->needs_perform) return 0;
  if (pool->running == NULL) return -1;
  (void)curl_multi_timeout(pool->multi, &timeout);
  if (timeout < 0 || timeout > TIMEOUT_MAX_MS) timeout = TIMEOUT_MAX_MS;
  if (timeout > UNWATCHED_POLL_MS && has_unwatched(pool)) timeout = UNWATCHED_POLL_MS;
  return limit_wait(pool, (int)timeout);
}

void http_take(http_transfer *transfer) {
  assert(transfer->state == HTTP_DONE);
  if (transfer->pool != NULL) unlink_done(transfer);
  transfer->pool = NULL;
}

http_transfer *http_pool_take(http_pool *pool) {
  http_transfer *transfer = pool->done;
  if (transfer != NULL) http_take(transfer);
  return transfer;
}
