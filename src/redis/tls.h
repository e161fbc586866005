/*
** tls.h: TLS over a connected socket that does not block. The certificate of the server must be valid for its name or
** address, and issued by a trusted authority: those of `ca_file`, or otherwise the system's.
*/
#ifndef APIVIDEO_REDIS_TLS_H
#define APIVIDEO_REDIS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <openssl/ssl.h>

typedef struct tls {
  SSL_CTX *context; /* both NULL without TLS */
  SSL *session;
  bool wants_write;  /* what the last call that returned 0 waits for; otherwise for reading */
  char problem[256]; /* of the last call that failed */
} tls;

/* Prepares a zeroed session. Returns false, with `problem`, on failure. */
bool tls_open(tls *self, const char *host, const char *ca_file);
/* Uses a connected socket. */
bool tls_attach(tls *self, int fd);
/* Idempotent. Sends nothing, so that a forked child can close its copy. */
void tls_close(tls *self);

/* Each returns a number greater than 0 on success (of bytes for the latter two); 0 if the socket is not ready; -1, with
   `problem`, on failure, or when the server has closed the connection. */
int tls_handshake(tls *self);
ssize_t tls_read(tls *self, char *bytes, size_t len);
ssize_t tls_write(tls *self, const char *bytes, size_t len);

#endif
