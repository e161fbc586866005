/*
** http_trust.h: which certificates a request trusts.
**
** A request's `ca_file`, a file or a directory, replaces the system's certificates. Without it, the environment
** counts, as for curl: CURL_CA_BUNDLE, or else SSL_CERT_FILE and SSL_CERT_DIR. A variable replaces libcurl's own file
** or its own directory; a libcurl that has both, as Debian's, also trusts the other one. An empty variable counts as
** unset. No other file reads these variables.
*/
#ifndef APIVIDEO_HTTP_TRUST_H
#define APIVIDEO_HTTP_TRUST_H

#include <stdbool.h>
#include <stddef.h>

#include "http_features.h"

/* Strings are borrowed, from the request or the environment. */
typedef struct http_trust {
  const char *file, *directory;               /* or NULL: libcurl's own */
  const char *file_origin, *directory_origin; /* "ca_file", or the name of a variable */
  bool is_exclusive;                          /* nothing of libcurl's own is trusted */
} http_trust;

/* Sets what a request with this `ca_file`, or NULL, trusts. */
void http_trust_read(http_trust *trust, const char *ca_file);
/* Returns NULL, or a problem that names the file or directory and its origin, in `problem`. */
const char *http_trust_check(const http_trust *trust, char *problem, size_t size);
/* Sets what a new handle trusts; http_trust_check has accepted it. */
CURLcode http_trust_set(CURL *easy, const http_trust *trust, const http_features *features);

#endif
