/*
** HTTP transfers on libcurl's multi interface. The callbacks touch only C memory: they run inside
** libcurl, where neither a Lua error nor a yield may pass.
*/
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define BUFFER_FIRST_SIZE 1024

/* Appends to a buffer; false when memory is out. The buffer stays whole then. */
static bool buffer_append(http_buffer *buffer, const char *data, size_t len) {
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
  return buffer_append(&transfer->body, data, len) ? len : 0;
}

/* libcurl's header callback, once for each line: collects the lines of the final response. The cap
   counts all lines, so that a peer cannot send 1xx responses for ever. */
static size_t on_header(char *data, size_t size, size_t count, void *context) {
  http_transfer *transfer = context;
  const size_t len = size * count;
  if (len > transfer->max_header - transfer->header_total) {
    transfer->too_large = "the response's headers are larger than allowed";
    return 0;
  }
  transfer->header_total += len;
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) transfer->header.len = 0;
  return buffer_append(&transfer->header, data, len) ? len : 0;
}

bool http_is_clean(const char *text, size_t len) {
  size_t i;
  for (i = 0; i < len; i++) {
    const unsigned char c = (unsigned char)text[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

/* Whether a character may stand in a header's name (RFC 9110, token). */
static bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

const char *http_add_header(http_transfer *transfer, const char *line, size_t len) {
  struct curl_slist *grown;
  size_t name = 0;
  while (name < len && is_token(line[name])) name++;
  if (name == 0 || name == len || line[name] != ':')
    return "a header must have the form \"Name: value\"";
  if (!http_is_clean(line, len)) return "a header must not hold CR, LF, NUL or control characters";
  grown = curl_slist_append(transfer->headers, line);
  if (grown == NULL) return "out of memory";
  transfer->headers = grown;
  return NULL;
}

/* The trust store: one file where there is one. With a directory beside it, OpenSSL parses the file
   anew for each connection, and libcurl does not keep the parsed store. */
static CURLcode set_trust(CURL *easy, const char *ca_file) {
  CURLcode code;
  if (ca_file != NULL) {
    code = curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
#if LIBCURL_VERSION_NUM >= 0x074600 /* 7.70.0 tells its default file */
  {
    const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    if (version->age >= CURLVERSION_SEVENTH && version->cainfo != NULL &&
        access(version->cainfo, R_OK) == 0)
      return curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
#endif
  return CURLE_OK;
}

/* No other scheme than the URL's own, so that nothing leads from https to http or file. */
static CURLcode set_protocol(CURL *easy, bool https) {
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
  if (curl_version_info(CURLVERSION_NOW)->version_num >= 0x075500)
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
  return CURLE_FAILED_INIT;
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, https ? CURLPROTO_HTTPS : CURLPROTO_HTTP);
#endif
}

/* The method and the body, which libcurl copies. */
static CURLcode set_body(CURL *easy, const http_request *request) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
  if (code == CURLE_OK && strcmp(request->method, "HEAD") == 0)
    code = curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (code != CURLE_OK || request->body == NULL) return code;
  code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body);
}

/* Where libcurl puts what it receives. */
static void set_callbacks(CURL *easy, http_transfer *transfer) {
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
}

/* Basic authentication with an empty password: what api.video asks for. */
static CURLcode set_username(CURL *easy, const char *username) {
  CURLcode code = CURLE_OK;
  if (username == NULL) return code;
  code = curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_USERNAME, username);
}

/* A proxy of the environment is not for this machine's own addresses. */
static CURLcode set_proxy(CURL *easy, const char *url) {
  const char *host = strstr(url, "://") + 3;
  const bool loopback = strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
                        strncasecmp(host, "localhost", 9) == 0;
  return loopback ? curl_easy_setopt(easy, CURLOPT_PROXY, "") : CURLE_OK;
}

/* The options that every transfer has. */
static CURLcode set_options(CURL *easy, const http_request *request) {
  const bool https = strncasecmp(request->url, "https://", 8) == 0;
  CURLcode code;
#define SET(option, value)                               \
  do {                                                   \
    code = curl_easy_setopt(easy, CURLOPT_##option, value); \
    if (code != CURLE_OK) return code;                   \
  } while (0)
  SET(URL, request->url);
  SET(PATH_AS_IS, 1L);
  SET(FOLLOWLOCATION, 0L);
  SET(NOSIGNAL, 1L);
  SET(TCP_KEEPALIVE, 1L);
  SET(CONNECTTIMEOUT_MS, request->connect_timeout);
  SET(TIMEOUT_MS, request->timeout);
  SET(SSL_VERIFYPEER, 1L);
  SET(SSL_VERIFYHOST, 2L);
  SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  SET(HTTP_VERSION, https ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
#undef SET
  code = set_protocol(easy, https);
  return code != CURLE_OK ? code : set_trust(easy, request->ca_file);
}

/* NULL, or why a request may not be sent. */
static const char *check_request(const http_request *request) {
  const char *c;
  if (strncasecmp(request->url, "https://", 8) != 0 && strncasecmp(request->url, "http://", 7) != 0)
    return "a URL must begin with https:// or http://";
  if (!http_is_clean(request->url, strlen(request->url)) ||
      strpbrk(request->url, " \t") != NULL)
    return "a URL must not hold white space or control characters";
  for (c = request->method; *c != '\0'; c++)
    if (*c < 'A' || *c > 'Z') return "a method is written in capital letters";
  return c == request->method ? "a method is missing" : NULL;
}

const char *http_prepare(http_transfer *transfer, const http_request *request) {
  CURLcode code;
  const char *problem = check_request(request);
  if (problem != NULL) return problem;
  /* An empty "Expect:" keeps libcurl from asking before it sends a larger body. */
  problem = http_add_header(transfer, "Expect:", 7);
  if (problem != NULL) return problem;
  transfer->easy = curl_easy_init();
  if (transfer->easy == NULL) return "libcurl could not make a handle";
  transfer->max_body = request->max_body;
  transfer->max_header = request->max_header;
  set_callbacks(transfer->easy, transfer);
  code = set_options(transfer->easy, request);
  if (code == CURLE_OK) code = set_proxy(transfer->easy, request->url);
  if (code == CURLE_OK) code = set_username(transfer->easy, request->username);
  if (code == CURLE_OK) code = set_body(transfer->easy, request);
  if (code == CURLE_OK)
    code = curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
  return code == CURLE_OK ? NULL : curl_easy_strerror(code);
}

/* Takes a running transfer out of its pool's list, and from libcurl. In a process forked since, the
   connections are the parent's: closing them would end its TLS sessions, so the handle is left to
   the end of the process. */
static void stop(http_transfer *transfer) {
  http_pool *pool = transfer->pool;
  if (transfer->previous != NULL)
    transfer->previous->next = transfer->next;
  else
    pool->running = transfer->next;
  if (transfer->next != NULL) transfer->next->previous = transfer->previous;
  transfer->next = transfer->previous = NULL;
  if (http_pool_forked(pool))
    transfer->easy = NULL;
  else
    (void)curl_multi_remove_handle(pool->multi, transfer->easy);
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

const char *http_start(http_pool *pool, http_transfer *transfer) {
  const CURLMcode code = curl_multi_add_handle(pool->multi, transfer->easy);
  if (code != CURLM_OK) return curl_multi_strerror(code);
  transfer->pool = pool;
  transfer->state = HTTP_RUNNING;
  transfer->next = pool->running;
  if (transfer->next != NULL) transfer->next->previous = transfer;
  pool->running = transfer;
  return NULL;
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

bool http_pool_open(http_pool *pool) {
  pool->done_end = &pool->done;
  pool->pid = getpid();
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return false;
  pool->multi = curl_multi_init();
  if (pool->multi == NULL) curl_global_cleanup();
  return pool->multi != NULL;
}

bool http_pool_forked(const http_pool *pool) { return pool->pid != getpid(); }

void http_pool_close(http_pool *pool) {
  if (pool->multi == NULL) return;
  while (pool->running != NULL) http_close(pool->running);
  while (pool->done != NULL) http_close(pool->done);
  if (!http_pool_forked(pool)) {
    (void)curl_multi_cleanup(pool->multi);
    curl_global_cleanup();
  }
  pool->multi = NULL;
}

/* Moves what libcurl has finished from `running` to `done`. */
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
    stop(transfer);
    transfer->code = code;
    transfer->state = HTTP_DONE;
    *pool->done_end = transfer;
    pool->done_end = &transfer->next;
  }
}

const char *http_pool_step(http_pool *pool, struct curl_waitfd *fds, unsigned count, int timeout) {
  int running;
  CURLMcode code = curl_multi_perform(pool->multi, &running);
  if (code != CURLM_OK) return curl_multi_strerror(code);
  collect(pool);
  code = curl_multi_poll(pool->multi, fds, count, pool->done != NULL ? 0 : timeout, NULL);
  if (code == CURLM_OK) code = curl_multi_perform(pool->multi, &running);
  if (code != CURLM_OK) return curl_multi_strerror(code);
  collect(pool);
  return NULL;
}

http_transfer *http_pool_take(http_pool *pool) {
  http_transfer *transfer = pool->done;
  if (transfer == NULL) return NULL;
  drop_done(transfer);
  transfer->pool = NULL;
  return transfer;
}

const char *http_error_kind(const http_transfer *transfer) {
  if (transfer->too_large != NULL) return "too_large";
  switch (transfer->code) {
    case CURLE_OK: return NULL;
    case CURLE_OPERATION_TIMEDOUT: return "timeout";
    case CURLE_URL_MALFORMAT: return "invalid_request";
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line: the URL's was checked */
    case CURLE_WEIRD_SERVER_REPLY: return "unexpected_response";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return "tls";
    case CURLE_OUT_OF_MEMORY: /* what libcurl before 8 says of a header line that is too long */
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
      return "too_large";
    default: return "network";
  }
}

const char *http_error_message(const http_transfer *transfer) {
  if (transfer->too_large != NULL) return transfer->too_large;
  if (strcmp(http_error_kind(transfer), "too_large") == 0)
    return "a line of the response's headers is larger than allowed";
  return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->code);
}
