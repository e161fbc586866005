/*
** What a request asks, as libcurl's options: what all transfers of a pool have in common is set before
** their request is known.
*/
#include "http_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../common/http_syntax.h"

/* Sets an option, or returns from the calling function. */
#define SET(option, value)                                               \
  do {                                                                   \
    const CURLcode code_ = curl_easy_setopt(easy, CURLOPT_##option, value); \
    if (code_ != CURLE_OK) return code_;                                 \
  } while (0)

/* Whether the trust store is one file. With a directory beside it, OpenSSL parses the file anew for
   each connection, and libcurl does not keep the parsed store. */
static bool trusts_file(const curl_version_info_data *version) {
#if LIBCURL_VERSION_NUM >= 0x074600 /* 7.70.0 tells its default file */
  return version->age >= CURLVERSION_SEVENTH && version->cainfo != NULL &&
         access(version->cainfo, R_OK) == 0;
#else
  (void)version;
  return false;
#endif
}

void http_read_features(http_pool *pool) {
  const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
  pool->has_http2 = (version->features & CURL_VERSION_HTTP2) != 0;
  pool->has_https_proxy = (version->features & CURL_VERSION_HTTPS_PROXY) != 0;
  pool->sees_requests = version->version_num >= 0x075000; /* 7.80.0 */
  pool->exits_quickly = version->version_num >= 0x075700; /* 7.87.0 */
  pool->trusts_file = trusts_file(version);
  pool->has_openssl = version->ssl_version != NULL && strstr(version->ssl_version, "SSL") != NULL;
}

/* No scheme that leads to a file or another protocol. */
static CURLcode set_protocols(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85.0 */
  SET(PROTOCOLS_STR, "https,http");
#else
  SET(PROTOCOLS, CURLPROTO_HTTPS | CURLPROTO_HTTP);
#endif
  return CURLE_OK;
}

CURLcode http_set_common(CURL *easy, const http_pool *pool) {
  SET(PATH_AS_IS, 1L);
  SET(FOLLOWLOCATION, 0L);
  SET(NOSIGNAL, 1L);
  SET(TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700 /* 7.87.0 */
  /* A handle that is given up does not wait for its resolver's thread. */
  if (pool->exits_quickly) SET(QUICK_EXIT, 1L);
#endif
  SET(HTTPAUTH, (long)CURLAUTH_BASIC);
  SET(SSL_VERIFYPEER, 1L);
  SET(SSL_VERIFYHOST, 2L);
  SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (pool->trusts_file) SET(CAPATH, NULL);
  return set_protocols(easy);
}

/* Whether a URL begins with a scheme, "https://" for instance. */
static bool has_scheme(const char *url, const char *scheme) {
  return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* NULL, or why not. libcurl's own words about a proxy may hold its password. */
static const char *check_proxy(const http_pool *pool, const char *proxy) {
  CURLU *url;
  CURLUcode code;
  if (!has_scheme(proxy, "http://") && !has_scheme(proxy, "https://") &&
      !has_scheme(proxy, "socks5://") && !has_scheme(proxy, "socks5h://"))
    return "a proxy must begin with http://, https://, socks5:// or socks5h://";
  if (has_scheme(proxy, "https://") && !pool->has_https_proxy)
    return "this libcurl knows no proxies with https://";
  url = curl_url();
  if (url == NULL) return "out of memory";
  code = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME);
  curl_url_cleanup(url);
  return code == CURLUE_OK ? NULL : "the proxy is no URL";
}

/* NULL, or a message that names the file. */
static const char *check_file(http_transfer *transfer, const char *field, const char *path) {
  if (path == NULL || access(path, R_OK) == 0) return NULL;
  (void)snprintf(transfer->error, sizeof transfer->error, "%s cannot be read: %s: %s", field, path,
                 strerror(errno));
  return transfer->error;
}

/* NULL, or why a URL or a method is none. */
static const char *check_target(const http_request *request) {
  const char *c;
  if (!has_scheme(request->url, "https://") && !has_scheme(request->url, "http://"))
    return "a URL must begin with https:// or http://";
  if (!http_is_clean(request->url, strlen(request->url)) || strpbrk(request->url, " \t") != NULL)
    return "a URL must not hold white space or control characters";
  for (c = request->method; *c != '\0'; c++)
    if (*c < 'A' || *c > 'Z') return "a method is written in capital letters";
  return c == request->method ? "a method is missing" : NULL;
}

const char *http_check(http_transfer *transfer, const http_request *request) {
  const char *problem = check_target(request);
  if (problem == NULL && request->proxy != NULL && *request->proxy != '\0')
    problem = check_proxy(transfer->pool, request->proxy);
  if (problem == NULL) problem = check_file(transfer, "ca_file", request->ca_file);
  if (problem == NULL) problem = check_file(transfer, "client_cert", request->client_cert);
  if (problem == NULL) problem = check_file(transfer, "client_key", request->client_key);
  return problem;
}

/* The method and the body, which libcurl copies. */
static CURLcode set_body(CURL *easy, const http_request *request) {
  SET(CUSTOMREQUEST, request->method);
  if (strcmp(request->method, "HEAD") == 0) SET(NOBODY, 1L);
  if (request->body == NULL) return CURLE_OK;
  SET(POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  SET(COPYPOSTFIELDS, request->body);
  return CURLE_OK;
}

/* HTTP/2 is asked for in the TLS handshake. Transfers wait for a connection that may carry them all. */
static CURLcode set_version(CURL *easy, bool http2) {
  SET(HTTP_VERSION, http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  SET(PIPEWAIT, http2 ? 1L : 0L);
  return CURLE_OK;
}

/* Whether a URL is this machine's own. */
static bool is_loopback(const char *url) {
  const char *host = strstr(url, "://") + 3;
  return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
         strncasecmp(host, "localhost", 9) == 0;
}

/* A proxy of the request serves all hosts; one of the environment not this machine's own. */
static CURLcode set_proxy(CURL *easy, const http_request *request) {
  if (request->proxy == NULL) {
    SET(PROXY, is_loopback(request->url) ? "" : NULL);
    return CURLE_OK;
  }
  SET(PROXY, request->proxy);
  SET(NOPROXY, "");
  return CURLE_OK;
}

/* Certificates other than the system's: whom to trust, and who asks. */
static CURLcode set_certificates(CURL *easy, const http_pool *pool, const http_request *request) {
  if (request->ca_file != NULL) {
    SET(CAINFO, request->ca_file);
    SET(CAPATH, NULL);
    if (request->proxy != NULL && has_scheme(request->proxy, "https://")) {
      SET(PROXY_CAINFO, request->ca_file);
      SET(PROXY_CAPATH, NULL);
    }
  }
  if (request->client_cert == NULL) return CURLE_OK;
  SET(SSLCERT, request->client_cert);
  if (request->client_key != NULL) SET(SSLKEY, request->client_key);
  if (pool->has_openssl) SET(KEYPASSWD, ""); /* without one, it asks on the terminal */
  return CURLE_OK;
}

CURLcode http_set_request(http_transfer *transfer, const http_request *request) {
  CURL *easy = transfer->easy;
  const bool https = has_scheme(request->url, "https://");
  CURLcode code;
  SET(URL, request->url);
  SET(CONNECTTIMEOUT_MS, request->connect_timeout);
  SET(TIMEOUT_MS, request->timeout);
  SET(USERNAME, request->username);
  SET(HTTPHEADER, transfer->headers);
  code = set_body(easy, request);
  if (code == CURLE_OK)
    code = set_version(easy, https && request->http2 && transfer->pool->has_http2);
  if (code == CURLE_OK) code = set_proxy(easy, request);
  if (code == CURLE_OK) code = set_certificates(easy, transfer->pool, request);
  return code;
}
