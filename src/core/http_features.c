/*
** What the libcurl that runs can do: see http_features.h.
*/
#include "http_features.h"

#include <unistd.h>

/* Whether the trust store is one file. When a directory is set as well, OpenSSL parses the file for each
   connection, and libcurl does not cache the parsed store. */
static bool trusts_file(const curl_version_info_data *version) {
  const char *file = compat_curl_cainfo(version);
  return file != NULL && access(file, R_OK) == 0;
}

void http_features_read(http_features *features) {
  const curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
  features->version = version->version_num;
  features->has_http2 = (version->features & CURL_VERSION_HTTP2) != 0;
  features->has_https_proxy = (version->features & CURL_VERSION_HTTPS_PROXY) != 0;
  features->has_prereq = features->version >= COMPAT_CURL_PREREQ;
  features->stalls =
      features->version >= COMPAT_CURL_STALLS && features->version < COMPAT_CURL_STALLS_FIXED;
  features->keeps_ca_path = features->version >= COMPAT_CURL_KEEPS_CA_PATH;
  features->trusts_file = trusts_file(version);
}
