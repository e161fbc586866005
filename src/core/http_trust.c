/*
** Which certificates a request trusts: see http_trust.h.
*/
#include "http_trust.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/ascii.h"
#include "http_problem.h"

#define PATH_MAX_BYTES 4096
#define HASH_DIGITS 8 /* of OpenSSL's hash of a subject: "5ed36f99.0" */

/* A directory in which no certificate is found. */
#define NO_DIRECTORY "/dev/null"

/* ---- reading ---- */

/* The value of an environment variable; NULL if it is unset or empty. */
static const char *variable(const char *name) {
  const char *const value = getenv(name);
  return value == NULL || *value == '\0' ? NULL : value;
}

/* Whether a path is that of a directory. */
static bool is_directory(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Sets the file, or NULL. */
static void set_file(http_trust *trust, const char *origin, const char *path) {
  trust->file = path;
  trust->file_origin = origin;
}

/* Sets the directory, or NULL. */
static void set_directory(http_trust *trust, const char *origin, const char *path) {
  trust->directory = path;
  trust->directory_origin = origin;
}

void http_trust_read(http_trust *trust, const char *ca_file) {
  memset(trust, 0, sizeof *trust);
  trust->is_exclusive = ca_file != NULL;
  if (ca_file != NULL && is_directory(ca_file))
    set_directory(trust, "ca_file", ca_file);
  else if (ca_file != NULL)
    set_file(trust, "ca_file", ca_file);
  else if (variable("CURL_CA_BUNDLE") != NULL)
    set_file(trust, "CURL_CA_BUNDLE", variable("CURL_CA_BUNDLE"));
  else {
    set_file(trust, "SSL_CERT_FILE", variable("SSL_CERT_FILE"));
    set_directory(trust, "SSL_CERT_DIR", variable("SSL_CERT_DIR"));
  }
}

/* ---- checks ---- */

/* Whether the name of a file is that of a certificate in a hashed directory. */
static bool is_hashed(const char *name) {
  const char *const end = name + HASH_DIGITS;
  for (; name < end; name++)
    if (!ascii_is_hex(*name)) return false;
  if (name[0] != '.' || name[1] == '\0') return false;
  return name[1 + strspn(name + 1, "0123456789")] == '\0';
}

/* Writes the path of a readable certificate in the directory with the first `len` bytes of `directory` as its path.
   False if it has no certificate; `errno` is 0 then, or why the directory cannot be read. */
static bool find_certificate(const char *directory, size_t len, char path[PATH_MAX_BYTES]) {
  const struct dirent *entry;
  bool found = false;
  DIR *list;
  errno = ENAMETOOLONG;
  if (len >= PATH_MAX_BYTES) return false;
  memcpy(path, directory, len);
  path[len] = '\0';
  list = opendir(path);
  if (list == NULL) return false;
  while (!found && (entry = readdir(list)) != NULL)
    found = is_hashed(entry->d_name) &&
            snprintf(path + len, PATH_MAX_BYTES - len, "/%s", entry->d_name) <
                (int)(PATH_MAX_BYTES - len) &&
            access(path, R_OK) == 0;
  (void)closedir(list);
  errno = 0;
  return found;
}

/* Whether one of the directories in the list, which `:` separates in OpenSSL, has a certificate. */
static bool has_certificate(const char *directories) {
  char path[PATH_MAX_BYTES];
  for (;;) {
    const size_t len = strcspn(directories, ":");
    if (find_certificate(directories, len, path)) return true;
    if (directories[len] == '\0') return false;
    directories += len + 1;
  }
}

/* http_trust_check for the directory. */
static const char *check_directory(const http_trust *trust, char *problem, size_t size) {
  const char *const path = trust->directory;
  if (path == NULL || has_certificate(path)) return NULL;
  if (errno != 0)
    (void)snprintf(problem, size, "%s cannot be read: %.120s: %s", trust->directory_origin, path,
                   strerror(errno));
  else
    (void)snprintf(problem, size,
                   "%s has no certificate with a hashed name: %.120s; run: openssl rehash %.120s",
                   trust->directory_origin, path, path);
  return problem;
}

/* http_trust_check for the file. */
static const char *check_file(const http_trust *trust, char *problem, size_t size) {
  const char *const path = trust->file;
  if (path == NULL) return NULL;
  if (access(path, R_OK) != 0) {
    (void)snprintf(problem, size, "%s cannot be read: %s: %s", trust->file_origin, path,
                   strerror(errno));
  } else if (is_directory(path)) {
    (void)snprintf(problem, size, "%s is a directory: %.200s; name it in SSL_CERT_DIR instead",
                   trust->file_origin, path);
  } else {
    return NULL;
  }
  return problem;
}

const char *http_trust_check(const http_trust *trust, char *problem, size_t size) {
  const char *found = check_file(trust, problem, size);
  return found != NULL ? found : check_directory(trust, problem, size);
}

/* ---- libcurl's options ---- */

/* Sets the file for the server, and for an https:// proxy. */
static CURLcode use_file(CURL *easy, const char *path, const http_features *features) {
  HTTP_SET(CAINFO, path);
  if (features->has_https_proxy) HTTP_SET(PROXY_CAINFO, path);
  return CURLE_OK;
}

/* Sets the directory for the server, and for an https:// proxy. */
static CURLcode use_directory(CURL *easy, const char *path, const http_features *features) {
  HTTP_SET(CAPATH, path);
  if (features->has_https_proxy) HTTP_SET(PROXY_CAPATH, path);
  return CURLE_OK;
}

/* Trusts the certificates of `ca_file` alone. libcurl must have a file, too, when it has a directory: NULL stands for
   its own one in some versions (COMPAT_CURL_KEEPS_CA_PATH), and a file without certificates is an error. So it gets one
   of the directory's. */
static CURLcode use_alone(CURL *easy, const http_trust *trust, const http_features *features) {
  char path[PATH_MAX_BYTES];
  CURLcode code;
  if (trust->file != NULL) {
    code = use_file(easy, trust->file, features);
    if (code != CURLE_OK) return code;
    return use_directory(easy, features->keeps_ca_path ? NO_DIRECTORY : NULL, features);
  }
  if (!find_certificate(trust->directory, strlen(trust->directory), path))
    return CURLE_SSL_CACERT_BADFILE; /* removed since the check */
  code = use_file(easy, path, features);
  return code == CURLE_OK ? use_directory(easy, trust->directory, features) : code;
}

CURLcode http_trust_set(CURL *easy, const http_trust *trust, const http_features *features) {
  CURLcode code = CURLE_OK;
  if (trust->is_exclusive) return use_alone(easy, trust, features);
  if (trust->file != NULL) code = use_file(easy, trust->file, features);
  if (code == CURLE_OK && trust->directory != NULL)
    code = use_directory(easy, trust->directory, features);
  else if (code == CURLE_OK && trust->file == NULL && features->trusts_file)
    HTTP_SET(CAPATH, NULL);
  return code;
}
