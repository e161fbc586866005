/*
** http_features.h: what the libcurl that runs can do, which may be another version than the one compiled against.
*/
#ifndef APIVIDEO_HTTP_FEATURES_H
#define APIVIDEO_HTTP_FEATURES_H

#include <stdbool.h>

#include "../common/compat_curl.h"

typedef struct http_features {
  unsigned version;     /* see compat_curl.h */
  bool has_http2;       /* built with nghttp2 */
  bool has_https_proxy; /* built with support for https:// proxies */
  bool has_prereq;      /* calls back before it sends a request (COMPAT_CURL_PREREQ) */
  bool stalls;          /* needs a limited wait (COMPAT_CURL_STALLS) */
  bool keeps_ca_path;   /* a NULL path restores the built-in one (COMPAT_CURL_KEEPS_CA_PATH) */
  bool trusts_file;     /* the system's certificates are in one file, which is readable */
} http_features;

/* Reads what the loaded libcurl can do. */
void http_features_read(http_features *features);

#endif
