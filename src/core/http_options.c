/*
** What a request asks for, as libcurl's options: see http_options.h.
*/
#include "http_options.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "../common/ascii.h"
#include "http_problem.h"

/* Allows no scheme that reaches a file or uses another protocol. */
static CURLcode set_protocols(CURL *easy, const http_pool *pool) {
  if (pool->features.version >= COMPAT_CURL_PROTOCOLS_STR) {
    HTTP_SET(PROTOCOLS_STR, "https,http");
    return CURLE_OK;
  }
  return curl_easy_setopt(easy, COMPAT_CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTPS | CURLPROTO_HTTP));
}

CURLcode http_set_common(CURL *easy, const http_pool *pool) {
  HTTP_SET(SHARE, pool->sessions);
  HTTP_SET(PATH_AS_IS, 1L);
  HTTP_SET(FOLLOWLOCATION, 0L);
  HTTP_SET(NOSIGNAL, 1L);
  HTTP_SET(TCP_KEEPALIVE, 1L);
  /* A transfer that times out or is cancelled, and a pool that closes, do not wait for getaddrinfo. Its
     thread ends later, in libcurl's code: the module, and libcurl with it, must stay mapped (pin.h). */
  if (pool->features.version >= COMPAT_CURL_QUICK_EXIT) HTTP_SET(QUICK_EXIT, 1L);
  HTTP_SET(HTTPAUTH, (long)CURLAUTH_BASIC);
  HTTP_SET(SSL_VERIFYPEER, 1L);
  HTTP_SET(SSL_VERIFYHOST, 2L);
  HTTP_SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  return set_protocols(easy, pool);
}

/* Sets method and body, which libcurl copies. */
static CURLcode set_body(CURL *easy, const http_request *request) {
  HTTP_SET(CUSTOMREQUEST, request->method);
  if (strcmp(request->method, "HEAD") == 0) HTTP_SET(NOBODY, 1L);
  if (request->body == NULL) return CURLE_OK;
  HTTP_SET(POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
  HTTP_SET(COPYPOSTFIELDS, request->body);
  return CURLE_OK;
}

/* HTTP/2 is negotiated in the TLS handshake. PIPEWAIT: a transfer waits for a connection that is being opened and may
   be shared, instead of opening its own. */
static CURLcode set_version(CURL *easy, bool http2) {
  HTTP_SET(HTTP_VERSION, http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  HTTP_SET(PIPEWAIT, http2 ? 1L : 0L);
  return CURLE_OK;
}

/* Whether the host of a URL that http_check has accepted is loopback: "localhost" in any case, [::1], or an address in
   127.0.0.0/8 in any form that getaddrinfo accepts, such as 127.1. (Parsing the URL with libcurl, which parses it again,
   would be 4 % of the instructions of a transfer.) */
static bool is_loopback(const char *url) {
  struct in_addr v4;
  struct in6_addr v6;
  char host[256]; /* a longer one is invalid */
  const char *from = strstr(url, "://") + 3;
  const char *const user_end = memchr(from, '@', strcspn(from, "/?#"));
  size_t len;
  bool is_v6;
  if (user_end != NULL) from = user_end + 1;
  is_v6 = *from == '[';
  if (is_v6) from++;
  len = strcspn(from, is_v6 ? "%]" : ":/?#"); /* without a zone, and without the port */
  if (len >= sizeof host) return false;
  memcpy(host, from, len);
  host[len] = '\0';
  if (is_v6) return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
  if (ascii_equal_strings(host, "localhost")) return true;
  return inet_aton(host, &v4) != 0 && ntohl(v4.s_addr) >> 24 == 127;
}

/* The request's proxy is used for all hosts; the environment's is not used for loopback. */
static CURLcode set_proxy(CURL *easy, const http_request *request) {
  if (request->proxy == NULL) {
    HTTP_SET(PROXY, is_loopback(request->url) ? "" : NULL);
    return CURLE_OK;
  }
  HTTP_SET(PROXY, request->proxy);
  HTTP_SET(NOPROXY, "");
  return CURLE_OK;
}

/* Whether the TLS library is OpenSSL or one of its forks, which libcurl reports as the same backend. Their
   names (LibreSSL, BoringSSL, AWS-LC, quictls …) have nothing in common. */
static bool has_openssl(CURL *easy) {
  struct curl_tlssessioninfo *tls = NULL;
  return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != NULL &&
         tls->backend == CURLSSLBACKEND_OPENSSL;
}

/* Sets the client's certificate. */
static CURLcode set_client_certificate(CURL *easy, const http_request *request) {
  if (request->client_cert == NULL) return CURLE_OK;
  HTTP_SET(SSLCERT, request->client_cert);
  if (request->client_key != NULL) HTTP_SET(SSLKEY, request->client_key);
  /* Without a passphrase, OpenSSL prompts for one on the terminal; other TLS libraries fail. */
  if (has_openssl(easy)) HTTP_SET(KEYPASSWD, "");
  return CURLE_OK;
}

/* Accepts any certificate of the peer; that of an https:// proxy is still verified. libcurl would not give such a
   connection or its TLS session to a request that verifies, nor the reverse; that must not depend on how a version
   of libcurl compares connections, so they are used for this request only. */
static CURLcode set_insecure(CURL *easy) {
  HTTP_SET(SSL_VERIFYPEER, 0L);
  HTTP_SET(SSL_VERIFYHOST, 0L);
  HTTP_SET(FRESH_CONNECT, 1L);
  HTTP_SET(FORBID_REUSE, 1L);
  HTTP_SET(SSL_SESSIONID_CACHE, 0L);
  return CURLE_OK;
}

CURLcode http_set_request(http_transfer *transfer, const http_request *request) {
  CURL *easy = transfer->easy;
  CURLcode code;
  assert(easy != NULL);
  transfer->response.may_be_http2 =
      transfer->pool->features.has_http2 && ascii_has_prefix(request->url, "https://");
  HTTP_SET(URL, request->url);
  HTTP_SET(CONNECTTIMEOUT_MS, request->connect_timeout);
  HTTP_SET(TIMEOUT_MS, request->timeout);
  HTTP_SET(USERNAME, request->username);
  HTTP_SET(HTTPHEADER, transfer->headers.lines);
  code = set_body(easy, request);
  if (code == CURLE_OK) code = set_version(easy, transfer->response.may_be_http2 && request->http2);
  if (code == CURLE_OK) code = set_proxy(easy, request);
  if (code == CURLE_OK) code = set_client_certificate(easy, request);
  if (code == CURLE_OK) code = http_trust_set(easy, &request->trust, &transfer->pool->features);
  if (code == CURLE_OK && request->insecure) code = set_insecure(easy);
  return code;
}
