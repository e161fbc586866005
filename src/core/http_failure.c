/*
** The kinds of errors: see http_failure.h.
*/
#include "http_failure.h"

#include <assert.h>
#include <string.h>

const char *http_error_name(http_error kind) {
  switch (kind) {
    case HTTP_OK: return NULL;
    case HTTP_CANCELLED: return "cancelled";
    case HTTP_INVALID_REQUEST: return "invalid_request";
    case HTTP_NETWORK: return "network";
    case HTTP_TIMEOUT: return "timeout";
    case HTTP_TLS_FAILED: return "tls";
    case HTTP_TOO_LARGE: return "too_large";
    case HTTP_UNEXPECTED_RESPONSE: return "unexpected_response";
  }
  assert(false);
  return NULL;
}

/* Whether libcurl's message about a transfer contains one of `texts`. */
static bool mentions(const http_transfer *transfer, const char *const texts[]) {
  for (; *texts != NULL; texts++)
    if (strstr(transfer->error, *texts) != NULL) return true;
  return false;
}

/* Whether libnghttp2 has rejected a header field. Since 1.70 it drops the field, and libcurl only stores its message;
   older versions reset the stream, a "network" error. The message contains the field, so it is not passed on. */
static bool has_bad_header(const http_transfer *transfer) {
  static const char *const texts[] = {"nvalid HTTP header field", NULL};
  return mentions(transfer, texts);
}

/* Whether a TLS handshake failed because the connection was closed. libcurl's OpenSSL backend writes "… in
   connection to …" when OpenSSL has queued no error. */
static bool lost_connection(const http_transfer *transfer) {
  static const char *const texts[] = {"Recv failure",
                                      "Send failure", /* socket */
                                      "in connection to",
                                      "unexpected eof", /* OpenSSL */
                                      "non-properly terminated",
                                      "the pull function",
                                      "the push function", /* GnuTLS */
                                      NULL};
  return mentions(transfer, texts);
}

/* Whether the peer sent a TLS alert. In TLS 1.3, an alert about the client's certificate arrives only after
   the handshake. */
static bool got_alert(const http_transfer *transfer) {
  static const char *const texts[] = {" alert ", NULL};
  return mentions(transfer, texts);
}

http_error http_failure_kind(const http_transfer *transfer) {
  assert(!transfer->out_of_memory);
  if (transfer->response.too_large != NULL) return HTTP_TOO_LARGE;
  if (transfer->response.malformed != NULL) return HTTP_UNEXPECTED_RESPONSE;
  switch (transfer->code) {
    case CURLE_OK:
      return transfer->response.has_header && !has_bad_header(transfer) ? HTTP_OK : HTTP_NETWORK;
    case CURLE_OPERATION_TIMEDOUT: return HTTP_TIMEOUT;
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN: return HTTP_INVALID_REQUEST;
    case CURLE_UNSUPPORTED_PROTOCOL: /* no valid status line: the URL's scheme was checked before */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY: return HTTP_UNEXPECTED_RESPONSE;
    case CURLE_BAD_FUNCTION_ARGUMENT:
      /* an invalid header in the response, or, from libcurl 8.16.0 on, an invalid client key */
      return transfer->sent ? HTTP_UNEXPECTED_RESPONSE : HTTP_TLS_FAILED;
    case CURLE_SSL_CONNECT_ERROR: return lost_connection(transfer) ? HTTP_NETWORK : HTTP_TLS_FAILED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return HTTP_TLS_FAILED;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return got_alert(transfer) ? HTTP_TLS_FAILED : HTTP_NETWORK;
    case CURLE_OUT_OF_MEMORY: /* a header line beyond libcurl's cap, before COMPAT_CURL_TOO_LARGE */
      return HTTP_TOO_LARGE;
    default: return (int)transfer->code == COMPAT_CURLE_TOO_LARGE ? HTTP_TOO_LARGE : HTTP_NETWORK;
  }
}

const char *http_failure_message(const http_transfer *transfer) {
  const http_error kind = http_failure_kind(transfer);
  if (transfer->response.too_large != NULL) return transfer->response.too_large;
  if (transfer->response.malformed != NULL) return transfer->response.malformed;
  if (has_bad_header(transfer)) return "the response's headers contain control characters";
  if (transfer->code == CURLE_OK)
    return "the connection was closed before the response's headers were complete";
  if (transfer->unanswered) return "the connection was closed before a response arrived";
  if (kind == HTTP_TOO_LARGE) return "a line of the response's headers is larger than allowed";
  return NULL;
}
