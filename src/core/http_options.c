/*
** What a request asks, as libcurl's options: what all transfers of a pool have in common is set before
** their request is known.
*/
#include "http_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/ascii.h"
#include "../common/http_syntax.h"

/* Bytes of a request's head, what libcurl adds to it aside: it has room for 1 MiB, or 128 KiB before
   COMPAT_CURL_LARGE_HEAD. */
#define HEAD_MAX ((size_t)1000000)
#define OLD_HEAD_MAX ((size_t)120000)

/* Sets an option, or returns from the calling function. */
#define SET(option, value)                                                                         \
  do {                                                                                             \
    const CURLcode code_ = curl_easy_setopt(easy, CURLOPT_##option, value);                        \
    if (code_ != CURLE_OK) return code_;                                                           \
  } while (0)

/* Whether the trust store is one file. With a directory beside it, OpenSSL parses the file anew for
   each connection, and libcurl does not keep the parsed store. */
static bool trusts_file(const curl_version_info_data *version) {
  const char *file = compat_curl_cainfo(version);
  return file != NULL && access(file, R_OK) == 0;
}

void http_read_features(http_pool *pool) {
  const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
  pool->version = version->version_num;
  pool->has_http2 = (version->features & CURL_VERSION_HTTP2) != 0;
  pool->has_https_proxy = (version->features & CURL_VERSION_HTTPS_PROXY) != 0;
  pool->sees_requests = pool->version >= COMPAT_CURL_PREREQ;
  pool->trusts_file = trusts_file(version);
}

/* No scheme that leads to a file or another protocol. */
static CURLcode set_protocols(CURL *easy, const http_pool *pool) {
  if (pool->version >= COMPAT_CURL_PROTOCOLS_STR) {
    SET(PROTOCOLS_STR, "https,http");
    return CURLE_OK;
  }
  return curl_easy_setopt(easy, COMPAT_CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | CURLPROTO_HTTP));
}

CURLcode http_set_common(CURL *easy, const http_pool *pool) {
  SET(PATH_AS_IS, 1L);
  SET(FOLLOWLOCATION, 0L);
  SET(NOSIGNAL, 1L);
  SET(TCP_KEEPALIVE, 1L);
  /* A transfer that times out or is cancelled, and a pool that closes, do not wait for getaddrinfo. Its
     thread ends by itself, in libcurl's code: the module, and libcurl with it, must stay mapped (it is
     pinned: pin.h). */
  if (pool->version >= COMPAT_CURL_QUICK_EXIT) SET(QUICK_EXIT, 1L);
  SET(HTTPAUTH, (long)CURLAUTH_BASIC);
  SET(SSL_VERIFYPEER, 1L);
  SET(SSL_VERIFYHOST, 2L);
  SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  if (pool->trusts_file) SET(CAPATH, NULL);
  return set_protocols(easy, pool);
}

/* Whether a URL begins with a scheme, "https://" for instance. */
static bool has_scheme(const char *url, const char *scheme) {
  return ascii_has_prefix(url, scheme);
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
  if (url == NULL) return http_no_memory;
  code = curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME);
  curl_url_cleanup(url);
  if (code == CURLUE_OUT_OF_MEMORY) return http_no_memory;
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

/* NULL, or that the head of a request is larger than libcurl sends: it would report that memory is out. */
static const char *check_head(http_transfer *transfer, const http_request *request) {
  const size_t max = transfer->pool->version >= COMPAT_CURL_LARGE_HEAD ? HEAD_MAX : OLD_HEAD_MAX;
  const size_t user = request->username == NULL ? 0 : strlen(request->username) / 3 * 4;
  if (strlen(request->method) + strlen(request->url) + user + transfer->headers_size <= max)
    return NULL;
  (void)snprintf(
      transfer->error, sizeof transfer->error,
      "the request's method, URL, user name and headers are larger than %lu bytes together",
      (unsigned long)max);
  return transfer->error;
}

const char *http_check(http_transfer *transfer, const http_request *request) {
  const char *problem = check_target(request);
  if (problem == NULL) problem = check_head(transfer, request);
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

/* Whether a host, as libcurl's URL parser returns it, is exactly localhost, or an address in 127.0.0.0/8
   (in every form that getaddrinfo reads, such as 127.1) or ::1. */
static bool is_loopback(const char *host) {
  struct in_addr v4;
  struct in6_addr v6;
  char address[INET6_ADDRSTRLEN];
  const size_t len = strlen(host);
  if (ascii_equal_strings(host, "localhost")) return true;
  if (inet_aton(host, &v4) != 0) return ntohl(v4.s_addr) >> 24 == 127;
  if (host[0] != '[' || len < 2 || len - 2 >= sizeof address) return false;
  memcpy(address, host + 1, len - 2);
  address[len - 2] = '\0';
  return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Whether the host of a URL is loopback: false also for what is not a URL, which fails later. */
static CURLcode find_loopback(const char *text, bool *found) {
  char *host = NULL;
  CURLUcode code;
  CURLU *url = curl_url();
  *found = false;
  if (url == NULL) return CURLE_OUT_OF_MEMORY;
  code = curl_url_set(url, CURLUPART_URL, text, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_HOST, &host, 0);
  if (code == CURLUE_OK) *found = is_loopback(host);
  curl_free(host);
  curl_url_cleanup(url);
  return code == CURLUE_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_OK;
}

/* A proxy of the request serves all hosts; one of the environment does not serve loopback. */
static CURLcode set_proxy(CURL *easy, const http_request *request) {
  if (request->proxy == NULL) {
    bool loopback;
    const CURLcode code = find_loopback(request->url, &loopback);
    if (code != CURLE_OK) return code;
    SET(PROXY, loopback ? "" : NULL);
    return CURLE_OK;
  }
  SET(PROXY, request->proxy);
  SET(NOPROXY, "");
  return CURLE_OK;
}

/* Whether the TLS library is OpenSSL or one of its forks, which libcurl counts as the same backend: their
   names (LibreSSL, BoringSSL, AWS-LC, quictls …) have nothing in common. */
static bool has_openssl(CURL *easy) {
  struct curl_tlssessioninfo *tls = NULL;
  return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != NULL &&
         tls->backend == CURLSSLBACKEND_OPENSSL;
}

/* Trusted certificates other than the system's, and the client's certificate. */
static CURLcode set_certificates(CURL *easy, const http_request *request) {
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
  /* Without a passphrase, OpenSSL prompts for one on the terminal; other TLS libraries fail. */
  if (has_openssl(easy)) SET(KEYPASSWD, "");
  return CURLE_OK;
}

CURLcode http_set_request(http_transfer *transfer, const http_request *request) {
  CURL *easy = transfer->easy;
  CURLcode code;
  transfer->may_be_http2 = transfer->pool->has_http2 && has_scheme(request->url, "https://");
  SET(URL, request->url);
  SET(CONNECTTIMEOUT_MS, request->connect_timeout);
  SET(TIMEOUT_MS, request->timeout);
  SET(USERNAME, request->username);
  SET(HTTPHEADER, transfer->headers);
  code = set_body(easy, request);
  if (code == CURLE_OK) code = set_version(easy, transfer->may_be_http2 && request->http2);
  if (code == CURLE_OK) code = set_proxy(easy, request);
  if (code == CURLE_OK) code = set_certificates(easy, request);
  return code;
}
