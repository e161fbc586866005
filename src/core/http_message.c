/*
** What the error of a transfer says: see http_message.h.
*/
#include "http_message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../common/ascii.h"
#include "http_failure.h"

#define REMEDY "name a file with the certificate of its authority in ca_file or SSL_CERT_FILE"

/* A cause of a failed TLS handshake: its message is `before`, the peer, `after`. */
typedef struct cause {
  const char *texts[4]; /* of libcurl, OpenSSL or GnuTLS; any of them */
  const char *before, *after;
  bool is_about_trust; /* the message names the trusted certificates */
} cause;

/* The first that matches counts. */
static const cause causes[] = {
    {{"wrong version number", "packet length too long", "unexpected TLS packet"},
     "",
     " does not speak TLS on this port; is its URL http:// ?",
     false},
    {{"alert protocol version", "unsupported protocol", "Error in protocol version"},
     "",
     " supports no version of TLS from 1.2 on",
     false},
    {{"subject name", "common name"}, "the certificate of ", " is for another host", false},
    {{"has expired"},
     "the certificate of ",
     " has expired, or this machine's clock is wrong",
     false},
    {{"not yet valid"},
     "the certificate of ",
     " is not valid yet, or this machine's clock is wrong",
     false},
    {{"certificate in certificate chain", "local issuer", "signer not trusted",
      "first certificate"},
     "the issuer of the certificate of ",
     " is not trusted; " REMEDY,
     true},
    {{"self-signed certificate", "self signed certificate"},
     "the certificate of ",
     " is self-signed and not trusted; name it in ca_file or SSL_CERT_FILE",
     true},
    {{"certificate verification failed"}, /* GnuTLS before libcurl 8: for any reason but the name */
     "the certificate of ",
     " is not trusted, or not valid today; check this machine's clock, or " REMEDY,
     true},
};

void http_message_prepare(http_transfer *transfer, const http_request *request) {
  const http_trust *const trust = &request->trust;
  const char *const host = strstr(request->url, "://") + 3; /* http_check has accepted it */
  const int len = (int)strcspn(host, "/?#");
  transfer->is_tls = ascii_has_prefix(request->url, "https://");
  transfer->has_tls_proxy = request->proxy != NULL && ascii_has_prefix(request->proxy, "https://");
  if (memchr(host, '@', (size_t)len) == NULL) /* a user is not shown */
    (void)snprintf(transfer->host, sizeof transfer->host, "%.*s", len, host);
  if (trust->file != NULL)
    (void)snprintf(transfer->trusted, sizeof transfer->trusted, "%s %s", trust->file_origin,
                   trust->file);
  else if (trust->directory != NULL)
    (void)snprintf(transfer->trusted, sizeof transfer->trusted, "%s %s", trust->directory_origin,
                   trust->directory);
}

/* Writes the message: some parts, and libcurl's text. */
static const char *compose(http_transfer *transfer, const char *before, const char *peer,
                           const char *after, const char *trusted) {
  size_t len = strlen(transfer->error);
  while (len > 0 && (transfer->error[len - 1] == ' ' || transfer->error[len - 1] == '\n')) len--;
  if (len == 0)
    (void)snprintf(transfer->error, sizeof transfer->error, "%s",
                   curl_easy_strerror(transfer->code));
  if (len == 0) len = strlen(transfer->error);
  (void)snprintf(transfer->message, sizeof transfer->message, "%s%s%s%s%s (%.*s)", before, peer,
                 after, *trusted == '\0' ? "" : "; trusted is ", trusted, (int)len,
                 transfer->error);
  return transfer->message;
}

/* The message with a sentence alone. */
static const char *say(http_transfer *transfer, const char *sentence) {
  return compose(transfer, sentence, "", "", "");
}

/* Writes the name of the peer of TLS: the server or, before its CONNECT has succeeded, an https:// proxy. */
static const char *name_peer(const http_transfer *transfer, char name[300]) {
  if (transfer->has_tls_proxy && transfer->connect_code == 0) return "the proxy";
  (void)snprintf(name, 300, "the server%s%s", *transfer->host == '\0' ? "" : " at ",
                 transfer->host);
  return name;
}

/* The message of a failed handshake or verification; NULL if its cause is unknown. */
static const char *describe_tls(http_transfer *transfer) {
  char peer[300];
  size_t i, j;
  if (transfer->code == CURLE_SSL_CACERT_BADFILE)
    return *transfer->trusted == '\0'
               ? say(transfer, "the system's trusted certificates cannot be read; install the "
                               "package ca-certificates")
               : compose(transfer, "no certificate can be read from ", transfer->trusted, "", "");
  for (i = 0; i < sizeof causes / sizeof *causes; i++)
    for (j = 0; j < 4 && causes[i].texts[j] != NULL; j++)
      if (strstr(transfer->error, causes[i].texts[j]) != NULL)
        return compose(transfer, causes[i].before, name_peer(transfer, peer), causes[i].after,
                       causes[i].is_about_trust ? transfer->trusted : "");
  if (http_failure_kind(transfer) == HTTP_NETWORK)
    return say(transfer, "the connection was closed during the TLS handshake; the server may not "
                         "speak TLS on this port");
  return NULL;
}

/* The message of a connection that could not be opened. Many versions of libcurl leave out the system's reason. */
static const char *describe_connecting(http_transfer *transfer) {
  if (transfer->os_errno == ECONNREFUSED)
    return say(transfer, "the connection was refused: no process listens at this address, or a "
                         "firewall rejects it");
  if (transfer->os_errno == 0) return say(transfer, "no connection could be opened");
  return compose(transfer, "no connection could be opened: ", strerror((int)transfer->os_errno), "",
                 "");
}

/* The message of a time limit that is over: for which part. */
static const char *describe_timeout(http_transfer *transfer) {
  if (transfer->response.has_header)
    return say(transfer, "the response was not complete within the time limit");
  if (transfer->sent) return say(transfer, "no response arrived within the time limit");
  if (strstr(transfer->error, "Resolving") != NULL)
    return say(transfer, "the host name could not be resolved within the time limit");
  if (transfer->is_tls) /* libcurl does not report whether the TCP connection is open */
    return say(transfer,
               "no TLS connection could be opened within the time limit: the host does not "
               "respond, a firewall drops the packets, or this port does not speak TLS");
  return say(transfer,
             "no connection could be opened within the time limit: the host does not respond, or a "
             "firewall drops the packets");
}

/* The message of one of libcurl's codes; NULL if its own text suffices. */
static const char *describe_code(http_transfer *transfer) {
  switch (transfer->code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return say(transfer, "the host name cannot be resolved; check its spelling and the DNS");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return say(transfer,
                 "the proxy's host name cannot be resolved; check its spelling and the DNS");
    case CURLE_COULDNT_CONNECT: return describe_connecting(transfer);
    case CURLE_OPERATION_TIMEDOUT: return describe_timeout(transfer);
    case CURLE_GOT_NOTHING:
      return say(transfer, transfer->is_tls
                               ? "the connection was closed before a response arrived"
                               : "the connection was closed before a response arrived; does the "
                                 "server expect https:// on this port?");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return say(transfer, transfer->is_tls ? "the response is not HTTP"
                                            : "the response is not HTTP; does the server expect "
                                              "https:// on this port?");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return describe_tls(transfer);
    default: return NULL;
  }
}

const char *http_message(http_transfer *transfer) {
  const char *message = http_failure_message(transfer);
  if (message != NULL) return message;
  message = describe_code(transfer);
  if (message != NULL) return message;
  return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->code);
}
