/*
** compat_curl.h: the only file that depends on libcurl's version. Floor: 7.68.0 (Ubuntu 20.04).
**
** The libcurl that a program loads may be older or newer than the headers of the build. So only the version at run
** time decides what the module does: each gate is a number to compare with `version_num` of curl_version_info.
** libcurl never changes the number of an option or an error (its ABI promise); constants that older headers lack are
** defined here.
*/
#ifndef APIVIDEO_COMPAT_CURL_H
#define APIVIDEO_COMPAT_CURL_H

#include <curl/curl.h>

#define COMPAT_CURL_FLOOR 0x074400u
#define COMPAT_CURL_TOO_OLD                                                                        \
  "libcurl 7.68.0 or newer is needed, and an older one was loaded; update libcurl, or name the "   \
  "directory of a newer one in LD_LIBRARY_PATH"

#if LIBCURL_VERSION_NUM < 0x074400
/* cppcheck-suppress preprocessorErrorDirective */
#error "libcurl 7.68.0 or newer is needed; update the package with its headers"
#endif

/* 7.76.0: a request's header section may have 1 MiB; 128 KiB from 7.71.0 on. */
#define COMPAT_CURL_LARGE_HEADER 0x074c00u
/* 7.80.0: CURLOPT_PREREQFUNCTION, called when a connection is ready, before the request is sent. */
#define COMPAT_CURL_PREREQ 0x075000u
/* 7.85.0: CURLOPT_PROTOCOLS_STR; CURLOPT_PROTOCOLS is deprecated. */
#define COMPAT_CURL_PROTOCOLS_STR 0x075500u
/* 7.87.0: CURLOPT_QUICK_EXIT: the end of a transfer does not wait for its resolver thread. */
#define COMPAT_CURL_QUICK_EXIT 0x075700u
/* 8.6.0: CURLE_TOO_LARGE for a header line beyond libcurl's own cap; CURLE_OUT_OF_MEMORY before. */
#define COMPAT_CURL_TOO_LARGE 0x080600u
/* 8.13.0 to 8.15.0: curl_multi_poll may wait although a transfer that shares an HTTP/2 connection could continue; it
   would wait until its time limit (https://github.com/curl/curl/issues/18177). curl_multi_perform resumes it. */
#define COMPAT_CURL_STALLS 0x080d00u
#define COMPAT_CURL_STALLS_FIXED 0x081000u
#define COMPAT_CURL_STALLS_POLL_MS 100

/* 8.21.0: CURLOPT_CAPATH and CURLOPT_CAINFO are the ones that libcurl was built with when they are set to NULL; before,
   none. */
#define COMPAT_CURL_KEEPS_CA_PATH 0x081500u

#if LIBCURL_VERSION_NUM < 0x075000
#define CURLOPT_PREREQFUNCTION ((CURLoption)20312)
#define CURLOPT_PREREQDATA ((CURLoption)10313)
#define CURL_PREREQFUNC_OK 0
#define CURL_PREREQFUNC_ABORT 1
#endif

#if LIBCURL_VERSION_NUM < 0x075500
#define CURLOPT_PROTOCOLS_STR ((CURLoption)10318)
#endif
/* CURLOPT_PROTOCOLS, a name that newer headers mark as deprecated. */
#define COMPAT_CURLOPT_PROTOCOLS ((CURLoption)181)

#if LIBCURL_VERSION_NUM < 0x075700
#define CURLOPT_QUICK_EXIT ((CURLoption)322)
#endif

#if LIBCURL_VERSION_NUM < 0x080600
#define COMPAT_CURLE_TOO_LARGE 100
#else
#define COMPAT_CURLE_TOO_LARGE CURLE_TOO_LARGE
#endif

/* The file of trusted certificates that libcurl was built with, or NULL. The field `cainfo` exists in version
   information of an age of at least CURLVERSION_SEVENTH (7.70.0); older headers lack it. */
#if LIBCURL_VERSION_NUM >= 0x074600
#define compat_curl_cainfo(version)                                                                \
  ((version)->age >= CURLVERSION_SEVENTH ? (version)->cainfo : NULL)
#else
#define compat_curl_cainfo(version) ((void)(version), (const char *)NULL)
#endif

#endif
