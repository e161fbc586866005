/*
** compat_mhd.h: the one file that knows libmicrohttpd's versions. A module may run on a newer
** libmicrohttpd than it was built on, so whatever changes behaviour is asked at run time.
*/
#ifndef APIVIDEO_COMPAT_MHD_H
#define APIVIDEO_COMPAT_MHD_H

#include <stdbool.h>
#include <stdlib.h>

#include <microhttpd.h>

/* 0.9.71, whose header has this number, brought `enum MHD_Result`. */
#if defined(MHD_VERSION) && MHD_VERSION < 0x00097002
#error "apivideo.server needs libmicrohttpd 0.9.71 or newer"
#endif

/* 0.9.71 to 0.9.73 have it under an older name. */
#ifndef MHD_HTTP_CONTENT_TOO_LARGE
#define MHD_HTTP_CONTENT_TOO_LARGE 413
#endif

/* The oldest that a module runs on, in words and as a test: one that runs on an older libmicrohttpd than it
   was built on calls functions with other results. `version` is MHD_get_version()'s: "0.9.75". */
#define COMPAT_MHD_FLOOR "0.9.71"
static inline bool compat_mhd_is_supported(const char *version) {
  char *end;
  const unsigned long major = strtoul(version, &end, 10);
  unsigned long minor, patch;
  if (major >= 1) return true;
  if (*end != '.') return false;
  minor = strtoul(end + 1, &end, 10);
  patch = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
  return minor > 9 || (minor == 9 && patch >= 71);
}

/* Whether its parser lets bare LF, NUL and several spaces through, as all before 1.0 do. */
static inline bool compat_mhd_is_lenient(const char *version) {
  return strtoul(version, NULL, 10) < 1;
}

/* MHD_OPTION_STRICT_FOR_CLIENT: before 1.0, strictness only means that a space in the target and a missing
   Host close the connection, or get a page, before our code sees the request. */
static inline int compat_mhd_strictness(void) {
  return compat_mhd_is_lenient(MHD_get_version()) ? 0 : 1;
}

/* Whether MHD_add_connection only queues a connection for another thread, which first happens in 1.0.0
   (0x00097707), unless the daemon is started with COMPAT_MHD_NO_THREAD_SAFETY. `version` is
   MHD_get_version()'s. */
static inline bool compat_mhd_queues_connections(const char *version) {
  return strtoul(version, NULL, 10) >= 1;
}

/* MHD_USE_NO_THREAD_SAFETY, which headers before 1.0.0 lack. */
#define COMPAT_MHD_NO_THREAD_SAFETY (1U << 19)

/* The flags for a daemon that one thread uses. Older versions reject flags that they do not know. */
static inline unsigned compat_mhd_single_thread(void) {
  return compat_mhd_queues_connections(MHD_get_version()) ? COMPAT_MHD_NO_THREAD_SAFETY : 0U;
}

#endif
