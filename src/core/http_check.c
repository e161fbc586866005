/*
** Checks of a request: see http_check.h.
*/
#include "http_check.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"
#include "http_problem.h"

/* Bytes of a request's header section, without what libcurl adds to it: libcurl has room for 1 MiB, or 128 KiB
   before COMPAT_CURL_LARGE_HEADER. */
#define HEADER_MAX_BYTES ((size_t)1000000)
#define OLD_HEADER_MAX_BYTES ((size_t)120000)

/* Returns NULL, or the problem with a proxy. Not libcurl's message, which may contain its password. */
static const char *check_proxy(const http_pool *pool, const char *proxy) {
  CURLU *url;
  CURLUcode code;
  if (!ascii_has_prefix(proxy, "http://") && !ascii_has_prefix(proxy, "https://") &&
      !ascii_has_prefix(proxy, "socks5://") && !ascii_has_prefix(proxy, "socks5h://"))
    return "a proxy must begin with http://, https://, socks5:// or socks5h://";
  if (ascii_has_prefix(proxy, "https://") && !pool->features.has_https_proxy)
    return "this libcurl does not support https:// proxies";
  url = curl_url();
  if (url == NULL) return http_no_memory;
  code = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME);
  curl_url_cleanup(url);
  if (code == CURLUE_OUT_OF_MEMORY) return http_no_memory;
  return code == CURLUE_OK ? NULL : "the proxy is not a valid URL";
}

/* Returns NULL, or a problem that names the file, in the transfer. */
static const char *check_file(http_transfer *transfer, const char *field, const char *path) {
  if (path == NULL || access(path, R_OK) == 0) return NULL;
  (void)snprintf(transfer->error, sizeof transfer->error, "%s cannot be read: %s: %s", field, path,
                 strerror(errno));
  return transfer->error;
}

/* Returns NULL, or the problem with the URL or the method. */
static const char *check_target(const http_request *request) {
  const char *c;
  if (!ascii_has_prefix(request->url, "https://") && !ascii_has_prefix(request->url, "http://"))
    return "a URL must begin with https:// or http://";
  if (!http_is_clean(request->url, strlen(request->url)) || strpbrk(request->url, " \t") != NULL)
    return "a URL must not contain white space or control characters";
  for (c = request->method; *c != '\0'; c++)
    if (*c < 'A' || *c > 'Z') return "a method must consist of the letters A to Z";
  return c == request->method ? "a method must not be empty" : NULL;
}

/* Returns NULL, or that the header section is too large. (libcurl itself would report exhausted memory.) */
static const char *check_size(http_transfer *transfer, const http_request *request) {
  const size_t max = transfer->pool->features.version >= COMPAT_CURL_LARGE_HEADER
                         ? HEADER_MAX_BYTES
                         : OLD_HEADER_MAX_BYTES;
  const size_t user = request->username == NULL ? 0 : strlen(request->username) / 3 * 4;
  if (strlen(request->method) + strlen(request->url) + user + transfer->headers.size <= max)
    return NULL;
  (void)snprintf(
      transfer->error, sizeof transfer->error,
      "the request's method, URL, user name and headers are larger than %lu bytes together; "
      "send less in the URL and the headers",
      (unsigned long)max);
  return transfer->error;
}

/* Whether the certificates that a request trusts must be valid: `ca_file` always, those of the environment only if
   they are used. */
static bool needs_trust(const http_request *request) {
  if (request->trust.is_exclusive) return true;
  if (request->proxy != NULL && ascii_has_prefix(request->proxy, "https://")) return true;
  return !request->insecure && ascii_has_prefix(request->url, "https://");
}

const char *http_check(http_transfer *transfer, const http_request *request) {
  const char *problem = check_target(request);
  assert(transfer->state == HTTP_NEW && transfer->pool != NULL);
  if (problem == NULL) problem = check_size(transfer, request);
  if (problem == NULL && request->proxy != NULL && *request->proxy != '\0')
    problem = check_proxy(transfer->pool, request->proxy);
  if (problem == NULL && needs_trust(request))
    problem = http_trust_check(&request->trust, transfer->error, sizeof transfer->error);
  if (problem == NULL) problem = check_file(transfer, "client_cert", request->client_cert);
  if (problem == NULL) problem = check_file(transfer, "client_key", request->client_key);
  return problem;
}
