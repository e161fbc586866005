/*
** What kind of failure ended a transfer. Where libcurl's codes leave it open, its words tell.
*/
#include <assert.h>
#include <string.h>

#include "http.h"

/* Whether the message of a transfer holds one of some texts. */
static bool says(const http_transfer *transfer, const char *const texts[]) {
  for (; *texts != NULL; texts++)
    if (strstr(transfer->error, *texts) != NULL) return true;
  return false;
}

/* Whether libnghttp2 has rejected a header that holds a control character. Since 1.70 it leaves the header
   out, and libcurl only notes what it said; before, it resets the stream, a "network" failure. What it said
   repeats the header. */
static bool has_bad_header(const http_transfer *transfer) {
  static const char *const texts[] = {"nvalid HTTP header field", NULL};
  return says(transfer, texts);
}

/* Whether a TLS handshake ended because the connection did. libcurl's OpenSSL part writes "… in
   connection to …" when TLS itself has nothing to say. */
static bool lost_connection(const http_transfer *transfer) {
  static const char *const texts[] = {"Recv failure",
                                      "Send failure", /* the socket */
                                      "in connection to",
                                      "unexpected eof", /* OpenSSL */
                                      "non-properly terminated",
                                      "the pull function",
                                      "the push function", /* GnuTLS */
                                      NULL};
  return says(transfer, texts);
}

/* Whether the peer ended TLS with an alert. In TLS 1.3 one about the client's certificate comes only
   after the handshake. */
static bool got_alert(const http_transfer *transfer) {
  static const char *const texts[] = {" alert ", NULL};
  return says(transfer, texts);
}

const char *http_error_kind(const http_transfer *transfer) {
  assert(!transfer->out_of_memory);
  if (transfer->too_large != NULL) return "too_large";
  if (transfer->malformed != NULL) return "unexpected_response";
  switch (transfer->code) {
    case CURLE_OK: return transfer->answered && !has_bad_header(transfer) ? NULL : "network";
    case CURLE_OPERATION_TIMEDOUT: return "timeout";
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN: return "invalid_request";
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line: the URL's was checked */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY: return "unexpected_response";
    case CURLE_BAD_FUNCTION_ARGUMENT:
      /* an invalid header in the response, or, from libcurl 8.16.0 on, an invalid client key */
      return transfer->sent ? "unexpected_response" : "tls";
    case CURLE_SSL_CONNECT_ERROR: return lost_connection(transfer) ? "network" : "tls";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return "tls";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return got_alert(transfer) ? "tls" : "network";
    case CURLE_OUT_OF_MEMORY: /* a header line beyond libcurl's cap, before COMPAT_CURL_TOO_LARGE */
      return "too_large";
    default: return (int)transfer->code == COMPAT_CURLE_TOO_LARGE ? "too_large" : "network";
  }
}

const char *http_error_message(const http_transfer *transfer) {
  const char *const kind = http_error_kind(transfer);
  if (transfer->too_large != NULL) return transfer->too_large;
  if (transfer->malformed != NULL) return transfer->malformed;
  if (has_bad_header(transfer)) return "the response's headers hold control characters";
  if (transfer->code == CURLE_OK) return "the connection was closed before the headers were whole";
  if (transfer->unanswered) return "the connection was closed before an answer came";
  if (kind != NULL && strcmp(kind, "too_large") == 0)
    return "a line of the response's headers is larger than allowed";
  return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->code);
}
