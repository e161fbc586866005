/*
** TLS over a connected socket: see tls.h.
*/
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "../common/sigpipe.h"

#define CLOSED "the server has closed the connection"

/* Sets `problem` to what failed, and the reason that OpenSSL has queued. Returns false. */
static bool fail(tls *self, const char *what) {
  const char *const reason = ERR_reason_error_string(ERR_peek_last_error());
  (void)snprintf(self->problem, sizeof self->problem, "%s: %s", what,
                 reason != NULL ? reason : "unknown error");
  ERR_clear_error(); /* or a later TLS error in this thread is reported as this one */
  return false;
}

static bool is_address(const char *host) {
  unsigned char address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Makes the session check that the certificate is that of the host. */
static bool expect_host(tls *self, const char *host) {
  if (is_address(host))
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(self->session), host) == 1;
  {
    char name[TLSEXT_MAXLEN_host_name + 1]; /* a copy: the macro takes no constant */
    if (snprintf(name, sizeof name, "%s", host) >= (int)sizeof name) return false;
    return SSL_set_tlsext_host_name(self->session, name) == 1 &&
           SSL_set1_host(self->session, name) == 1;
  }
}

bool tls_open(tls *self, const char *host, const char *ca_file) {
  ERR_clear_error();
  self->context = SSL_CTX_new(TLS_client_method());
  if (self->context == NULL) return fail(self, "TLS");
  SSL_CTX_set_verify(self->context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_set_min_proto_version(self->context, TLS1_2_VERSION) != 1) return fail(self, "TLS");
  (void)SSL_CTX_set_mode(self->context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (ca_file == NULL && SSL_CTX_set_default_verify_paths(self->context) != 1)
    return fail(self, "the system's certificates");
  if (ca_file != NULL && SSL_CTX_load_verify_locations(self->context, ca_file, NULL) != 1)
    return fail(self, "ca_file");
  self->session = SSL_new(self->context);
  if (self->session == NULL || !expect_host(self, host)) return fail(self, "TLS");
  return true;
}

bool tls_attach(tls *self, int fd) {
  ERR_clear_error();
  return SSL_set_fd(self->session, fd) == 1 || fail(self, "TLS");
}

void tls_close(tls *self) {
  SSL_free(self->session);
  SSL_CTX_free(self->context);
  self->session = NULL;
  self->context = NULL;
}

/* The result for a call of OpenSSL that returned `code`: 0 if it must be repeated, or -1. `error` is its errno. */
static int outcome(tls *self, int code, int error) {
  const int kind = SSL_get_error(self->session, code);
  const long verified = SSL_get_verify_result(self->session);
  self->wants_write = kind == SSL_ERROR_WANT_WRITE;
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return 0;
  if (verified != X509_V_OK)
    (void)snprintf(self->problem, sizeof self->problem, "the server's certificate is not valid: %s",
                   X509_verify_cert_error_string(verified));
  else if (kind == SSL_ERROR_SSL)
    (void)fail(self, "TLS");
  else
    (void)snprintf(self->problem, sizeof self->problem, "%s",
                   kind == SSL_ERROR_SYSCALL && error != 0 ? strerror(error) : CLOSED);
  ERR_clear_error();
  return -1;
}

int tls_handshake(tls *self) {
  sigpipe_mask saved;
  int code, error;
  ERR_clear_error();
  sigpipe_block(&saved);
  errno = 0;
  code = SSL_connect(self->session);
  error = errno;
  sigpipe_restore(&saved);
  return code == 1 ? 1 : outcome(self, code, error);
}

/* The number of bytes for a call of OpenSSL. */
static int limited(size_t len) {
  return len > INT_MAX ? INT_MAX : (int)len;
}

ssize_t tls_read(tls *self, char *bytes, size_t len) {
  sigpipe_mask saved;
  int code, error;
  ERR_clear_error();
  sigpipe_block(&saved); /* it may write, too: during a renewal of keys */
  errno = 0;
  code = SSL_read(self->session, bytes, limited(len));
  error = errno;
  sigpipe_restore(&saved);
  return code > 0 ? code : outcome(self, code, error);
}

ssize_t tls_write(tls *self, const char *bytes, size_t len) {
  sigpipe_mask saved;
  int code, error;
  ERR_clear_error();
  sigpipe_block(&saved);
  errno = 0;
  code = SSL_write(self->session, bytes, limited(len));
  error = errno;
  sigpipe_restore(&saved);
  return code > 0 ? code : outcome(self, code, error);
}
