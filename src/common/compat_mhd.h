/*
** compat_mhd.h: the only file that depends on libmicrohttpd's version. A module may run with a newer libmicrohttpd
** than the one it was built with, so gates that change behaviour are checked at run time.
*/
#ifndef APIVIDEO_COMPAT_MHD_H
#define APIVIDEO_COMPAT_MHD_H

#include <stdbool.h>
#include <stdlib.h>

#include <microhttpd.h>

/* 0x00097002 is the number in the header of 0.9.71, the first version with `enum MHD_Result`. */
#if defined(MHD_VERSION) && MHD_VERSION < 0x00097002
#error "apivideo.server needs libmicrohttpd 0.9.71 or newer"
#endif

/* In 0.9.71 to 0.9.73, this status has another name. */
#ifndef MHD_HTTP_CONTENT_TOO_LARGE
#define MHD_HTTP_CONTENT_TOO_LARGE 413
#endif

/* The oldest supported version, as text and as a check at run time: functions of older versions have results of
   another type. `version` is the result of MHD_get_version: "0.9.75". */
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

/* Whether the parser accepts bare LF, NUL and repeated spaces, as all versions before 1.0 do. */
static inline bool compat_mhd_is_lenient(const char *version) {
  return strtoul(version, NULL, 10) < 1;
}

/* The value of MHD_OPTION_STRICT_FOR_CLIENT. Before 1.0, strictness only means that libmicrohttpd closes the connection
   or sends an error page, before our code sees the request, when the target contains a space or Host is missing. */
static inline int compat_mhd_strictness(void) {
  return compat_mhd_is_lenient(MHD_get_version()) ? 0 : 1;
}

/* Whether MHD_add_connection only queues a connection for another thread, unless the daemon is started with
   COMPAT_MHD_NO_THREAD_SAFETY: since 1.0.0 (0x00097707). `version` is the result of MHD_get_version. */
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
